"""Variables of Langfuse that differ from its defaults, each with its reason and source.

Sources are files of github.com/langfuse/langfuse at v3.225.4. What the chart derives from its own
values (addresses, passwords, the bucket) is in ``langfuse_values``.
"""

from typing import Final

import sizing

# Connections that web and worker each open to ClickHouse at most; the default is 25
# (packages/shared/src/env.ts). ClickHouse refuses what exceeds its max_concurrent_queries
# (clickhouse_overrides.xml): with 25 each, 1,076 of 1,328 reads failed and 557 observations were
# dropped; with 12 each, none (measured 2026-11-25).
CLICKHOUSE_CONNECTIONS: Final = 12

# Writes of a batch of rows to ClickHouse before the worker drops it; the default is 3
# (worker/src/env.ts). It writes once a second (LANGFUSE_INGESTION_CLICKHOUSE_WRITE_INTERVAL_MS), so
# 600 is ten minutes, the time in which a lost node is replaced. Away for 30 s, the default lost 300
# of 12,000 observations; with 600 none of 3,000 were lost (measured 2026-11-25).
CLICKHOUSE_WRITE_ATTEMPTS: Final = 600


def _heap(size: sizing.PodSize) -> str:
    """Return the option for V8's heap, which V8 would otherwise size by the node's memory."""
    return f"--max-old-space-size={size.heap_mib}"


WEB: Final = {
    "NODE_OPTIONS": _heap(sizing.WEB),
    "CLICKHOUSE_MAX_OPEN_CONNECTIONS": str(CLICKHOUSE_CONNECTIONS),
}
WORKER: Final = {
    "NODE_OPTIONS": _heap(sizing.WORKER),
    "CLICKHOUSE_MAX_OPEN_CONNECTIONS": str(CLICKHOUSE_CONNECTIONS),
    "LANGFUSE_INGESTION_CLICKHOUSE_MAX_ATTEMPTS": str(CLICKHOUSE_WRITE_ATTEMPTS),
}
