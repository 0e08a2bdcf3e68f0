"""Memory of Redis and its queues, in one connection."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from capacity.words import duration, mebibytes, of
from in_cluster.queues import QUEUES
from verification.check import Reading
from verification.cluster import Cluster
from verification.redis import Redis, Reply, connect

# Share of maxmemory, at which Redis refuses writes and web answers 500. What is left of 384 MiB
# takes about 75,000 jobs of 1 kB: an hour of the 20 traces a second that a small installation took.
FULL: Final = 0.8
# Seconds for which the first job of a queue may wait. Tries of a job end after 155 s; Langfuse
# calls its own propagation of events stuck after 15 minutes
# (LANGFUSE_EVENT_PROPAGATION_STUCK_THRESHOLD_MINUTES in worker/src/env.ts).
OLD: Final = 900
# Jobs that wait: of about 1 kB, they take a quarter of Redis' memory.
MANY: Final = 100_000

# Of BullMQ: it keeps a delayed job by the milliseconds of its time times this.
DELAYED_SCORE: Final = 0x1000


@dataclass(frozen=True)
class Queue:
    """Jobs that wait for the worker, without those whose time has not come."""

    name: str
    waiting: int
    oldest_seconds: float
    """For how long the first one could have been taken; 0 if none waits."""


@dataclass(frozen=True)
class State:
    """Memory of Redis, and its queues."""

    used_bytes: int
    limit_bytes: int
    """0 without a limit."""
    queues: tuple[Queue, ...]


def read_state(cluster: Cluster) -> State:
    """Ask Redis.

    Raises:
        CheckError: it does not answer, or refuses.

    """
    with connect(cluster) as redis:
        info, time = redis.run(("INFO", "memory"), ("TIME",))
        fields = dict(line.split(":", 1) for line in str(info).splitlines() if ":" in line)
        seconds, microseconds = (int(str(each)) for each in time or ())
        queues = read_queues(redis, seconds * 1000 + microseconds / 1000)
    return State(int(fields["used_memory"]), int(fields["maxmemory"]), tuple(queues))


def read_queues(redis: Redis, now: float) -> Iterator[Queue]:
    """Yield the queues.

    Args:
        redis: the connection.
        now: Redis' time, in milliseconds since 1970.

    """
    due = str((int(now) + 1) * DELAYED_SCORE - 1)
    looks = [look for name in QUEUES for look in _looks(f"bull:{name}", due)]
    replies = redis.run(*looks)
    size = len(replies) // len(QUEUES)
    found = [replies[first : first + size] for first in range(0, len(replies), size)]
    # Of each queue the first job that waits, and the first of a queue that is paused.
    keys = [
        f"bull:{name}:{job}"
        for name, (*_, wait, paused) in zip(QUEUES, found, strict=True)
        for job in (wait, paused)
    ]
    jobs = redis.run(*(("HMGET", key, "timestamp", "opts") for key in keys))
    times = [_time(job, now) for job in jobs]
    for index, (name, (*counts, delayed, _, _)) in enumerate(zip(QUEUES, found, strict=True)):
        due_times = times[2 * index : 2 * index + 2]
        if isinstance(delayed, list) and delayed:
            due_times.append(float(str(delayed[1])) // DELAYED_SCORE)
        waiting = sum(int(str(each)) for each in counts)
        yield Queue(name, waiting, max(0, now - min(due_times)) / 1000 if waiting else 0)


def _looks(key: str, due: str) -> tuple[tuple[str, ...], ...]:
    return (
        ("LLEN", f"{key}:wait"),
        ("LLEN", f"{key}:paused"),
        ("ZCOUNT", f"{key}:delayed", "-inf", due),
        ("ZRANGE", f"{key}:delayed", "0", "0", "WITHSCORES"),
        # Jobs are pushed on the left and taken from the right.
        ("LINDEX", f"{key}:wait", "-1"),
        ("LINDEX", f"{key}:paused", "-1"),
    )


def _time(job: Reply, now: float) -> float:
    """Return when a job was to be taken at first, in milliseconds; ``now`` if there is no job."""
    if not isinstance(job, list) or job[0] is None:
        return now
    made, options = (str(each) for each in job)
    return float(made) + float(json.loads(options).get("delay", 0))


def memory(state: State) -> Reading:
    """Compare the memory with ``FULL``."""
    used, limit = state.used_bytes, state.limit_bytes
    text = of(used, limit, mebibytes)
    values = {"used_bytes": used, "limit_bytes": limit, "threshold": FULL}
    if used <= FULL * limit:
        return Reading(text, values)
    remedy = "see docs/operations.md#redis-and-its-queues"
    # Without a maximum, the kernel ends Redis at the limit of its container.
    return Reading(f"{text}; {remedy}", values, "failed")


def queues(state: State) -> Reading:
    """Compare the number of waiting jobs with ``MANY``, and the time of the oldest with ``OLD``."""
    waiting = sum(each.waiting for each in state.queues)
    slowest = max(state.queues, key=lambda each: each.oldest_seconds)
    values = {
        "waiting": waiting,
        "waiting_threshold": MANY,
        "oldest_seconds": round(slowest.oldest_seconds),
        "oldest_seconds_threshold": OLD,
        "oldest_queue": slowest.name if slowest.waiting else None,
    }
    if not waiting:
        return Reading("no job waits", values)
    text = f"{waiting:,} jobs wait, the oldest for {duration(slowest.oldest_seconds)}"
    if waiting <= MANY and slowest.oldest_seconds <= OLD:
        return Reading(text, values)
    remedy = "see docs/operations.md#redis-and-its-queues"
    return Reading(f"{text} in {slowest.name}; {remedy}", values, "failed")
