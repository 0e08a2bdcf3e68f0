"""What fills? Volumes, memory, tables and the disks of nodes."""

from typing import Final

from in_cluster.dashboards.grafana import CONTAINERS, RATE, Dashboard, Panel
from in_cluster.names import NAMESPACE

# From this share on, verify.py fails (capacity/clickhouse.py, capacity/redis.py).
FULL: Final = 0.8

_VOLUME: Final = f'namespace="{NAMESPACE}"'
# A container may be two series for a while after a restart; and one without limit has 0.
_MEMORY: Final = (
    f"max by (container) (container_memory_working_set_bytes{{{CONTAINERS}}})"
    f" / (max by (container) (container_spec_memory_limit_bytes{{{CONTAINERS}}}) > 0)"
)

_PANELS: Final = (
    Panel(
        title="Volumes",
        queries={
            "{{persistentvolumeclaim}}": f"kubelet_volume_stats_used_bytes{{{_VOLUME}}}"
            f" / kubelet_volume_stats_capacity_bytes{{{_VOLUME}}}"
        },
        says="ClickHouse's grows with CLICKHOUSE_STORAGE_GB, Redis' with REDIS_STORAGE_GB.",
        unit="percentunit",
        kind="bargauge",
        width=8,
        thresholds=((FULL - 0.1, "orange"), (FULL, "red")),
        maximum=1,
    ),
    Panel(
        title="Memory of the containers",
        queries={"{{container}}": _MEMORY},
        says="Of its limit. A container that comes to 100 % is killed and starts again.",
        unit="percentunit",
        kind="bargauge",
        width=8,
        thresholds=((FULL, "orange"), (0.95, "red")),
        maximum=1,
    ),
    Panel(
        title="Days until a volume is full",
        # At the pace of the last day; 999 where nothing grows.
        queries={
            "{{persistentvolumeclaim}}": "clamp_max("
            f"kubelet_volume_stats_available_bytes{{{_VOLUME}}}"
            f" / clamp_min(deriv(kubelet_volume_stats_used_bytes{{{_VOLUME}}}[1d]), 1)"
            " / 86400, 999)"
        },
        says="At the pace of the last day.",
        unit="none",
        kind="bargauge",
        width=8,
        base="red",
        thresholds=((7, "orange"), (30, "green")),
        decimals=0,
    ),
    Panel(
        title="Tables of ClickHouse",
        queries={"{{table}}": "topk(8, langfuse_table_bytes)"},
        says="On disk. Deleted traces free their space hours later.",
        unit="bytes",
    ),
    Panel(
        title="Volumes over time",
        queries={
            "{{persistentvolumeclaim}}": f"kubelet_volume_stats_used_bytes{{{_VOLUME}}}",
        },
        says="Used bytes. Merges of ClickHouse write their result before they delete.",
        unit="bytes",
    ),
    Panel(
        title="Memory of Redis",
        queries={"used": "redis_memory_used_bytes", "maximum": "redis_memory_max_bytes > 0"},
        says="At its maximum Redis refuses writes, and web answers 500.",
        unit="bytes",
    ),
    Panel(
        title="Memory of the nodes",
        queries={
            "{{node}}": 'container_memory_working_set_bytes{id="/"}'
            " / on (node) machine_memory_bytes"
        },
        says="With less than 100 MiB left, the kubelet evicts pods.",
        unit="percentunit",
        thresholds=((0.95, "red"),),
        maximum=1,
    ),
    Panel(
        title="Disks of the nodes",
        queries={
            "{{node}}": 'max by (node) (container_fs_usage_bytes{id="/"}'
            ' / (container_fs_limit_bytes{id="/"} > 0))'
        },
        says="Images and logs. From 85 % on the kubelet deletes images, from 90 % on pods go.",
        unit="percentunit",
        thresholds=((0.85, "red"),),
        maximum=1,
    ),
)
_CLICKHOUSE: Final = (
    Panel(
        title="Memory of ClickHouse",
        queries={
            "tracked": "ClickHouseMetrics_MemoryTracking",
            "resident": "ClickHouseAsyncMetrics_MemoryResident",
        },
        says="At max_server_memory_usage, three quarters of its limit, queries fail with Code 241.",
        unit="bytes",
    ),
    Panel(
        title="Parts and merges of ClickHouse",
        queries={
            "most parts of a partition": "ClickHouseAsyncMetrics_MaxPartCountForPartition",
            "merges that run": "ClickHouseMetrics_Merge",
        },
        says="Merges lag behind from 1,000 parts on, which slow inserts down; 3,000 refuse them.",
    ),
    Panel(
        title="What ClickHouse writes",
        queries={
            "inserts": f"rate(ClickHouseProfileEvents_InsertedBytes[{RATE}])",
            "merges": f"rate(ClickHouseProfileEvents_MergedUncompressedBytes[{RATE}])",
        },
        says="Uncompressed; on disk it is a fraction.",
        unit="Bps",
    ),
)


def filling(*, clickhouse: bool) -> Dashboard:
    """Return the dashboard.

    Args:
        clickhouse: whether ClickHouse is in the cluster; else it tells no metrics.

    """
    return Dashboard(
        uid="filling",
        title="What fills?",
        panels=(*_PANELS, *(_CLICKHOUSE if clickhouse else ())),
        hours=7 * 24,
    )
