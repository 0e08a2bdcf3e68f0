"""The queues of events, which BullMQ keeps in Redis."""

from collections.abc import Sequence
from typing import Final

from verification.cluster import Cluster
from verification.redis import ask

# QueueName in Langfuse's packages/shared/src/server/queues.ts. Shards are for Redis clusters only.
OTEL: Final = ("otel-ingestion-queue", "secondary-otel-ingestion-queue")
ALL: Final = (*OTEL, "ingestion-queue", "secondary-ingestion-queue")


def unfinished(cluster: Cluster, queues: Sequence[str] = ALL) -> int:
    """Count the jobs that wait, are being worked on, or wait for their next attempt."""
    commands = {"wait": "LLEN", "active": "LLEN", "delayed": "ZCARD", "prioritized": "ZCARD"}
    return _sum(cluster, [f"{commands[s]} bull:{each}:{s}" for each in queues for s in commands])


def failed(cluster: Cluster) -> int:
    """Count the jobs whose last attempt has failed, of any time."""
    return _sum(cluster, [f"ZCARD bull:{each}:failed" for each in ALL])


def _sum(cluster: Cluster, commands: Sequence[str]) -> int:
    return sum(int(answer.removeprefix(":")) for answer in ask(cluster, *commands))
