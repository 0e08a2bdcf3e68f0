"""The BullMQ queues of events, in Redis."""

from collections.abc import Sequence
from typing import Final

from verification.cluster import Cluster
from verification.redis import run_commands

# QueueName in Langfuse's packages/shared/src/server/queues.ts. Shards are for Redis clusters only.
OTEL: Final = ("otel-ingestion-queue", "secondary-otel-ingestion-queue")
ALL: Final = (*OTEL, "ingestion-queue", "secondary-ingestion-queue")


def unfinished(cluster: Cluster, queues: Sequence[str] = ALL) -> int:
    """Return the number of jobs that wait, are active, or are delayed until their next attempt."""
    commands = {"wait": "LLEN", "active": "LLEN", "delayed": "ZCARD", "prioritized": "ZCARD"}
    return _sum(cluster, [f"{commands[s]} bull:{each}:{s}" for each in queues for s in commands])


def failed(cluster: Cluster) -> int:
    """Return the number of jobs whose last attempt failed, at any time."""
    return _sum(cluster, [f"ZCARD bull:{each}:failed" for each in ALL])


def _sum(cluster: Cluster, commands: Sequence[str]) -> int:
    return sum(int(answer.removeprefix(":")) for answer in run_commands(cluster, *commands))
