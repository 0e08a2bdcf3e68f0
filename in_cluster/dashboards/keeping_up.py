"""Is it keeping up? Queues, what is written and read, and the processors that do it."""

from typing import Final

from in_cluster.dashboards.grafana import CONTAINERS, RATE, Dashboard, Panel

# From these on, verify.py fails (capacity/redis.py).
MANY: Final = 100_000
OLD: Final = 900

# Jobs that are neither done nor given up.
_UNFINISHED: Final = 'sum(langfuse_queue_jobs{state=~"waiting|delayed|active"})'
_ADDED: Final = f"sum(rate(langfuse_queue_added_total[{RATE}]))"

_PANELS: Final = (
    Panel(
        title="Jobs that wait",
        queries={"": 'sum(langfuse_queue_jobs{state="waiting"})'},
        says="All queues together. A number that grows for an hour: the worker does not keep up.",
        kind="stat",
        width=6,
        height=4,
        thresholds=((MANY / 10, "orange"), (MANY, "red")),
    ),
    Panel(
        title="Oldest job",
        queries={"": "max(langfuse_queue_oldest_seconds)"},
        says="For how long the first job of any queue could have been taken.",
        unit="s",
        kind="stat",
        width=6,
        height=4,
        thresholds=((OLD / 3, "orange"), (OLD, "red")),
    ),
    Panel(
        title="Restarts of the last day",
        # A container that starts again is another series, with another id.
        queries={
            "": f"sum(count by (pod, container) (last_over_time(container_start_time_seconds"
            f"{{{CONTAINERS}}}[1d])) - 1)"
        },
        says="Of containers in pods that are still there. kubectl get pods names them.",
        kind="stat",
        width=6,
        height=4,
        thresholds=((1, "orange"), (5, "red")),
    ),
    Panel(
        title="Sources that do not answer",
        queries={"": "count(up == 0 or langfuse_store_up == 0) or vector(0)"},
        says="Kubelets, ClickHouse, Redis and the exporter: what is drawn below may be old.",
        unit="none",
        kind="stat",
        width=6,
        height=4,
        thresholds=((1, "red"),),
    ),
    Panel(
        title="Jobs that come, and jobs that are done",
        queries={
            "come": _ADDED,
            "done or given up": f"{_ADDED} - deriv({_UNFINISHED}[{RATE}:30s])",
        },
        says="Per second. It keeps up where both lines are one.",
        unit="ops",
    ),
    Panel(
        title="Jobs that wait, by queue",
        queries={"{{queue}}": 'sum by (queue) (langfuse_queue_jobs{state="waiting"}) > 0'},
        says="Ingestion delays traces in the user interface; evaluations delay scores only.",
    ),
    Panel(
        title="Jobs that were given up, by queue",
        queries={"{{queue}}": 'sum by (queue) (langfuse_queue_jobs{state="failed"}) > 0'},
        says="Jobs that failed in every try and are kept. The worker's log has the reason.",
    ),
    Panel(
        title="Processors that the containers keep busy",
        queries={
            "{{container}}": "sum by (container) (rate(container_cpu_usage_seconds_total"
            f"{{{CONTAINERS}}}[{RATE}]))"
        },
        says="A t3.large or t4g.large has 2, and for long 0.6 of them: credits are the rest.",
        unit="none",
        decimals=2,
    ),
    Panel(
        title="Processors of the nodes",
        queries={
            "{{node}}": f'sum by (node) (rate(container_cpu_usage_seconds_total{{id="/"}}[{RATE}]))'
            " / on (node) machine_cpu_cores"
        },
        says="Above 30 % for long, a node of the T family is slowed down when its credits end.",
        unit="percentunit",
        thresholds=((0.3, "orange"),),
        maximum=1,
    ),
)
# Of ClickHouse's own endpoint.
_CLICKHOUSE: Final = (
    Panel(
        title="Rows that ClickHouse writes",
        queries={"rows": f"rate(ClickHouseProfileEvents_InsertedRows[{RATE}])"},
        says="Per second, of all tables. Without rows, while jobs are done: they fail.",
        unit="ops",
    ),
    Panel(
        title="Rows that ClickHouse reads",
        queries={"rows": f"rate(ClickHouseProfileEvents_SelectedRows[{RATE}])"},
        says="Per second. Millions are pages over long times.",
        unit="ops",
    ),
    Panel(
        title="How long a query of ClickHouse takes",
        queries={
            "reads": f"rate(ClickHouseProfileEvents_SelectQueryTimeMicroseconds[{RATE}]) / 1e6"
            f" / (rate(ClickHouseProfileEvents_SelectQuery[{RATE}]) > 0)",
            "writes": f"rate(ClickHouseProfileEvents_InsertQueryTimeMicroseconds[{RATE}]) / 1e6"
            f" / (rate(ClickHouseProfileEvents_InsertQuery[{RATE}]) > 0)",
        },
        says="On average. Pages feel slow from a second on.",
        unit="s",
    ),
    Panel(
        title="Queries that ClickHouse refused or broke off",
        queries={
            "failed": f"rate(ClickHouseProfileEvents_FailedQuery[{RATE}])",
            "for lack of memory": f"rate(ClickHouseProfileEvents_QueryMemoryLimitExceeded[{RATE}])",
        },
        says="Per second. docs/operations.md has what to do about memory.",
        unit="ops",
        width=24,
    ),
)


def keeping_up(*, clickhouse: bool) -> Dashboard:
    """Return the dashboard.

    Args:
        clickhouse: whether ClickHouse is in the cluster; else it tells no metrics.

    """
    return Dashboard(
        uid="keeping-up",
        title="Is it keeping up?",
        panels=(*_PANELS, *(_CLICKHOUSE if clickhouse else ())),
    )
