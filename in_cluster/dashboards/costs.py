"""What does it cost? List prices, times what the cluster has now; the whole bill is costs.py's."""

from collections.abc import Mapping
from typing import Final

from in_cluster.dashboards.grafana import CONTAINERS, RATE, Dashboard, Panel
from in_cluster.names import NAMESPACE
from pricing.monthly import MonthlyPrices

_HOURS: Final = 730
_GIB: Final = 2**30


def costs(prices: MonthlyPrices) -> Dashboard:
    """Return the dashboard; without a price of nodes, it has none of what follows from it."""
    volumes = (
        f'sum(kubelet_volume_stats_capacity_bytes{{namespace="{NAMESPACE}"}})'
        f" / {_GIB} * {prices.volume_gib:g}"
    )
    growth = Panel(
        title="What a month's growth adds to each month",
        queries={
            "{{table}}": f"clamp_min(deriv(langfuse_table_bytes[1d]), 0) * 86400 * 30 / {_GIB}"
            f" * {prices.volume_gib:g}"
        },
        says="Tables of ClickHouse at the pace of the last day, at the price of a volume.",
        unit="currencyUSD",
        decimals=2,
    )
    traffic = Panel(
        title="What the pods send and receive",
        queries={
            "{{pod}}": "sum by (pod) (rate(container_network_transmit_bytes_total"
            f'{{namespace="{NAMESPACE}"}}[{RATE}])'
            f' + rate(container_network_receive_bytes_total{{namespace="{NAMESPACE}"}}[{RATE}]))'
        },
        says="Traffic between zones and to the internet is billed by the GB; the pods cannot "
        "tell which is which.",
        unit="Bps",
    )
    if prices.node is None:
        panels: tuple[Panel, ...] = (_parts(prices, {"volumes": volumes}), growth, traffic)
        return Dashboard(uid="costs", title="What does it cost?", panels=panels, hours=7 * 24)
    nodes = f"count(machine_memory_bytes) * {prices.node:g}"
    total = f"{nodes} + {volumes} + {sum(prices.others.values()):g}"
    panels = (
        Panel(
            title="A month like now",
            queries={"": total},
            says="Nodes, volumes, control plane and database at list prices of us-east-1; the rest "
            "of the bill is what costs.py prints.",
            unit="currencyUSD",
            kind="stat",
            width=6,
            height=4,
            decimals=2,
        ),
        Panel(
            title="A million jobs",
            # Only where there is work: a quiet hour would make each job dear.
            queries={
                "": f"({total}) / {_HOURS} / 3600 * 1e6"
                " / (sum(rate(langfuse_queue_added_total[1d])) > 0.01)"
            },
            says="What a million jobs of the queues cost at the pace of the last day: more traces "
            "make each cheaper, until the nodes have to grow.",
            unit="currencyUSD",
            kind="stat",
            width=6,
            height=4,
            decimals=2,
        ),
        Panel(
            title="Of what is paid for, used",
            queries={
                "memory": 'sum(avg_over_time(container_memory_working_set_bytes{id="/"}[1d]))'
                " / sum(machine_memory_bytes)",
                "processors": 'sum(rate(container_cpu_usage_seconds_total{id="/"}[1d]))'
                " / sum(machine_cpu_cores)",
            },
            says="On average of the last day. Memory below 40 % would fit on smaller nodes.",
            unit="percentunit",
            kind="bargauge",
            height=4,
            maximum=1,
        ),
        _parts(prices, {"nodes": nodes, "volumes": volumes}),
        Panel(
            title="Nodes, by who takes their memory",
            queries={
                "{{container}}": "sum by (container) (container_memory_working_set_bytes"
                f"{{{CONTAINERS}}}) / scalar(sum(machine_memory_bytes)) * scalar({nodes})"
            },
            says="USD a month. What is missing to the price of the nodes is the system's, or free.",
            unit="currencyUSD",
            decimals=2,
        ),
        growth,
        traffic,
    )
    return Dashboard(uid="costs", title="What does it cost?", panels=panels, hours=7 * 24)


def _parts(prices: MonthlyPrices, measured: Mapping[str, str]) -> Panel:
    fixed = {name: f"vector({usd:g})" for name, usd in prices.others.items()}
    return Panel(
        title="A month, by part",
        queries={**measured, **fixed},
        says="USD. A step is a node or a volume that came or went.",
        unit="currencyUSD",
        decimals=2,
    )
