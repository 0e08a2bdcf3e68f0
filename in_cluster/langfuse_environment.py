"""Environment variables of Langfuse that differ from its defaults, with reason and source.

Sources are files of github.com/langfuse/langfuse at v3.225.4. The chart derives further variables
(hosts, passwords, the bucket) from ``langfuse_values``.
"""

from collections.abc import Mapping
from typing import Final

import sizing

# Maximum of connections that web and worker each open to ClickHouse; the default is 25
# (packages/shared/src/env.ts). ClickHouse rejects queries above its max_concurrent_queries
# (clickhouse_server.xml): with 25 each, 1,076 of 1,328 reads failed and 557 observations were
# dropped; with 12 each, none (measured 2026-11-25).
CLICKHOUSE_CONNECTIONS: Final = 12

# Attempts to write a batch of rows to ClickHouse before the worker drops it; the default is 3
# (worker/src/env.ts). The worker writes once a second
# (LANGFUSE_INGESTION_CLICKHOUSE_WRITE_INTERVAL_MS), so 600 attempts are ten minutes, the time in
# which a lost node is replaced. In an outage of ClickHouse of 30 s, the default lost 300 of 12,000
# observations, and 600 attempts lost none of 3,000 (measured 2026-11-25).
CLICKHOUSE_WRITE_ATTEMPTS: Final = 600


def heap(size: sizing.PodSize) -> str:
    """Return V8's heap option; without it, V8 sizes the heap by the memory of the node."""
    return f"--max-old-space-size={size.heap_mib}"


# By the major version. 4 has this default (packages/shared/src/env.ts of v4.16.0), and it is the
# mode that its data are read in; a later default must not change that by itself.
_LINES: Final[Mapping[int, Mapping[str, str]]] = {
    3: {},
    4: {"LANGFUSE_MIGRATION_V4_WRITE_MODE": "events_only"},
}


def _connections(*, clickhouse: bool) -> dict[str, str]:
    """Return the limit of connections, which is of the server in the cluster."""
    return {"CLICKHOUSE_MAX_OPEN_CONNECTIONS": str(CLICKHOUSE_CONNECTIONS)} if clickhouse else {}


def web(major: int, *, clickhouse: bool = True) -> dict[str, str]:
    """Return the variables of web.

    Args:
        major: major version of Langfuse.
        clickhouse: whether ClickHouse is in the cluster.

    """
    return {
        "NODE_OPTIONS": heap(sizing.LINES[major].web),
        **_connections(clickhouse=clickhouse),
        **_LINES[major],
    }


def worker(major: int, *, clickhouse: bool = True) -> dict[str, str]:
    """Return the variables of the worker, for which the same arguments count."""
    return {
        "NODE_OPTIONS": heap(sizing.LINES[major].worker),
        **_connections(clickhouse=clickhouse),
        "LANGFUSE_INGESTION_CLICKHOUSE_MAX_ATTEMPTS": str(CLICKHOUSE_WRITE_ATTEMPTS),
        **_LINES[major],
    }
