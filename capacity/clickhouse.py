"""Disk and memory of ClickHouse, in one query of the server."""

import math
from dataclasses import dataclass
from typing import Final

from capacity.words import duration, gigabytes, of
from in_cluster.names import CLICKHOUSE, CLICKHOUSE_HTTP_PORT
from verification.check import Reading
from verification.cluster import Cluster

# Share of the disk. A merge writes the new part before it deletes the old ones; without room for
# that, parts pile up until inserts are refused. A volume grows in use, but not again at once.
FULL_DISK: Final = 0.8
# Share of max_server_memory_usage, at which queries and merges fail with Code 241.
FULL_MEMORY: Final = 0.9
# Seconds for which a query that was refused for lack of memory counts: one large query on a page of
# Langfuse is no reason to look after it a day later.
RECENT: Final = 3600
# What the suggested volume has more.
GROWTH: Final = 1.5

# system.errors has two rows of an error, of this server and of remote ones; and none before the
# first error. ClickHouse forgets them when it restarts.
QUERY: Final = """SELECT
  (SELECT sum(total_space) FROM system.disks WHERE name = 'default'),
  (SELECT sum(free_space) FROM system.disks WHERE name = 'default'),
  (SELECT sum(value) FROM system.metrics WHERE metric = 'MemoryTracking'),
  (SELECT sum(toInt64(value)) FROM system.server_settings WHERE name = 'max_server_memory_usage'),
  (SELECT sum(value) FROM system.errors WHERE name = 'MEMORY_LIMIT_EXCEEDED'),
  (SELECT dateDiff('second', max(last_error_time), now()) FROM system.errors
    WHERE name = 'MEMORY_LIMIT_EXCEEDED')
  FORMAT TSV"""


@dataclass(frozen=True)
class Server:
    """What ClickHouse says of itself, in the order of ``QUERY``."""

    disk_bytes: int
    free_bytes: int
    memory_bytes: int
    memory_limit_bytes: int
    """0 without a limit."""
    refusals: int
    """Queries and merges that failed for lack of memory since the server started."""
    refused_seconds_ago: int
    """Meaningless without refusals."""


def read_server(cluster: Cluster, password: str) -> Server:
    """Ask ClickHouse.

    Raises:
        CheckError: it does not answer, or refuses.

    """
    headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": password}
    target = f"svc/{CLICKHOUSE}"
    answer = cluster.http(target, CLICKHOUSE_HTTP_PORT, "/", body=QUERY, headers=headers)
    return parse(answer.text)


def parse(answer: str) -> Server:
    """Return what the answer to ``QUERY`` says."""
    return Server(*(int(each) for each in answer.split()))


def disk(server: Server) -> Reading:
    """Compare the disk with ``FULL_DISK``."""
    total = server.disk_bytes
    used = total - server.free_bytes
    text = f"ClickHouse {of(used, total, gigabytes)}"
    values = {"used_bytes": used, "total_bytes": total, "threshold": FULL_DISK}
    if used <= FULL_DISK * total:
        return Reading(text, values)
    wanted = math.ceil(GROWTH * total / 2**30)
    remedy = (
        f"set CLICKHOUSE_STORAGE_GB={wanted} in .env and deploy app, which grows the volume, or "
        "see what fills it: docs/operations.md#disk-of-clickhouse"
    )
    return Reading(f"{text}; {remedy}", values, "failed")


def memory(server: Server) -> Reading:
    """Compare the memory with ``FULL_MEMORY``, and look for refused queries."""
    used, limit = server.memory_bytes, server.memory_limit_bytes
    text = f"ClickHouse {of(used, limit, gigabytes)}"
    values = {
        "used_bytes": used,
        "limit_bytes": limit,
        "threshold": FULL_MEMORY,
        "refusals": server.refusals,
        "refused_seconds_ago": server.refused_seconds_ago if server.refusals else None,
    }
    see = "see docs/operations.md#memory-of-clickhouse"
    if server.refusals and server.refused_seconds_ago < RECENT:
        times = f"{server.refusals:,} queries were refused (Code 241) since it started"
        last = f"the last {duration(server.refused_seconds_ago)} ago"
        return Reading(f"{text}; {times}, {last}; {see}", values, "failed")
    # A query or a merge that ends in a second may take that much.
    if limit and used > FULL_MEMORY * limit:
        return Reading(f"{text}; {see}", values, "warning")
    return Reading(text, values)
