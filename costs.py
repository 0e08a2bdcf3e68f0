"""What an installation costs a month, item by item.

List prices in USD of us-east-1, collected 2026-11-23 from public price tables and AWS's own
announcements; ``docs/costs.md`` names them. No free tier, no taxes, no egress.
"""

from dataclasses import dataclass
from typing import Final

from settings import Settings

PRICED_REGION: Final = "us-east-1"
HOURS: Final = 730

CONTROL_PLANE_HOUR: Final = 0.10
PUBLIC_IPV4_HOUR: Final = 0.005
EBS_GP3_GB: Final = 0.08
RDS_GP3_GB: Final = 0.115
RDS_SNAPSHOT_GB: Final = 0.095
SECRET: Final = 0.40
# Five gigabytes and their requests: what one person's traces come to.
S3: Final = 0.50

# On demand, per hour. The T3 sizes double from one to the next.
NODE_HOUR: Final = {
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "t3.xlarge": 0.1664,
    "t3.2xlarge": 0.3328,
    "t3a.medium": 0.0376,
}
DATABASE_HOUR: Final = {"db.t4g.micro": 0.016, "db.t4g.small": 0.032, "db.t4g.medium": 0.065}

# What public projects paid for t3.medium spot, about $20 a month for two; AWS promises no price.
SPOT_SHARE: Final = 0.33


@dataclass(frozen=True)
class Item:
    """One line of the bill: ``usd`` a month, or None where no price is known."""

    stack: str
    what: str
    usd: float | None


def monthly(settings: Settings) -> list[Item]:
    """Return what a running installation costs."""
    nodes = settings.node_count
    spot = settings.node_capacity_type == "SPOT"
    share = SPOT_SHARE if spot else 1.0
    node_hour = NODE_HOUR.get(settings.node_instance_type)
    database_hour = DATABASE_HOUR.get(settings.database_instance_class)
    volumes_gb = settings.clickhouse_storage_gb + settings.redis_storage_gb
    return [
        Item("network", "EKS control plane", CONTROL_PLANE_HOUR * HOURS),
        Item(
            "network",
            f"{nodes} x {settings.node_instance_type}{' spot, about' if spot else ''}",
            None if node_hour is None else nodes * node_hour * HOURS * share,
        ),
        Item(
            "network",
            f"{nodes} x {settings.node_disk_gb} GB gp3",
            nodes * settings.node_disk_gb * EBS_GP3_GB,
        ),
        Item("network", f"{nodes} public IPv4", nodes * PUBLIC_IPV4_HOUR * HOURS),
        Item(
            "deps",
            settings.database_instance_class,
            None if database_hour is None else database_hour * HOURS,
        ),
        Item(
            "deps",
            f"{settings.database_storage_gb} GB gp3",
            settings.database_storage_gb * RDS_GP3_GB,
        ),
        Item("deps", "1 public IPv4", PUBLIC_IPV4_HOUR * HOURS),
        Item("deps", "S3, about 5 GB", S3),
        Item("deps", "1 secret", SECRET),
        Item("app", f"{volumes_gb} GB gp3", volumes_gb * EBS_GP3_GB),
    ]


def idle(settings: Settings) -> list[Item]:
    """Return what is still billed after a destroy, at most."""
    gigabytes = settings.database_storage_gb
    return [
        Item("deps", f"snapshot of up to {gigabytes} GB", gigabytes * RDS_SNAPSHOT_GB),
        Item("deps", "S3, about 5 GB", S3),
        Item("deps", "1 secret", SECRET),
    ]


def total(items: list[Item]) -> float:
    """Return the sum of what has a price, in USD a month."""
    return sum(item.usd for item in items if item.usd is not None)
