"""What parts of an installation cost a month, for a dashboard that multiplies them.

The whole bill is of synthesized stacks (``bill.py``), which a stack cannot look into.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pricing import prices


@dataclass(frozen=True, kw_only=True)
class MonthlyPrices:
    """Prices of a month, in USD."""

    node: float | None
    """A node with its disk and its address; None if its type has no price here."""
    volume_gib: float
    """A GiB of a volume."""
    others: Mapping[str, float]
    """What runs whatever the cluster does, by name."""


def monthly_prices(
    *,
    instance_type: str,
    spot: bool,
    disk_gb: int,
    public_nodes: bool,
    database_class: str,
    database_gb: int,
    public_database: bool,
    cache_node_type: str | None,
    awake: float = 1,
) -> MonthlyPrices:
    """Return the prices; what has none here is left out.

    Args:
        instance_type: EC2 type of the nodes.
        spot: whether they are Spot instances.
        disk_gb: disk of a node, in GB.
        public_nodes: whether a node has a public address.
        database_class: RDS instance class.
        database_gb: storage of the database, in GB.
        public_database: whether it has a public address.
        cache_node_type: ElastiCache node type; None where Redis runs in the cluster.
        awake: share of the time in which nodes and database run.

    """
    node, database = prices.NODES.get(instance_type), prices.DATABASES.get(database_class)
    others = {"control plane": prices.CONTROL_PLANE.usd}
    if database:
        address = prices.PUBLIC_IPV4.usd if public_database else 0
        others["database"] = database.usd * awake + database_gb * prices.RDS_GP3_GB.usd + address
    if cache := prices.CACHE_NODES.get(cache_node_type or ""):
        others["Redis"] = cache.usd
    whole = None
    if node:
        address = prices.PUBLIC_IPV4.usd if public_nodes else 0
        machine = node.usd * (prices.SPOT_SHARE if spot else 1)
        whole = awake * (machine + disk_gb * prices.EBS_GP3_GB.usd + address)
    return MonthlyPrices(node=whole, volume_gib=prices.EBS_GP3_GB.usd, others=others)
