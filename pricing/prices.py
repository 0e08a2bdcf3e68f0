"""List prices of us-east-1 in USD, each with its source; no free tier, no taxes, no egress.

A source that names AWS is AWS's own publication; the other sources are public price tables.
"""

from dataclasses import dataclass
from typing import Final

REGION: Final = "us-east-1"
COLLECTED: Final = "2026-11-23"
HOURS: Final = 730
"""Hours of a month in the AWS Pricing Calculator."""


@dataclass(frozen=True)
class Price:
    """The price of one unit for a month."""

    usd: float
    source: str
    """Unit price as published, and where."""


def hourly(usd: float, source: str) -> Price:
    """Return the price for a month of a unit that is billed by the hour."""
    return Price(usd * HOURS, source)


TABLES: Final = "public price tables"

CONTROL_PLANE: Final = hourly(0.10, "0.10 an hour in standard support (cloudburn.io, 2026-04)")
EXTENDED_SUPPORT: Final = hourly(0.50, "0.50 an hour more (cloudburn.io, 2026-04)")
PUBLIC_IPV4: Final = hourly(0.005, "0.005 an hour each (AWS networking blog, 2024-02)")
NAT_GATEWAY: Final = hourly(0.045, f"0.045 an hour, traffic aside ({TABLES})")
LOAD_BALANCER: Final = hourly(0.0225, f"0.0225 an hour, traffic aside ({TABLES})")
INTERFACE_ENDPOINT: Final = hourly(0.01, f"0.01 an hour in each zone, traffic aside ({TABLES})")
KMS_KEY: Final = Price(1.00, f"1.00 a key ({TABLES})")
EBS_GP3_GB: Final = Price(0.08, f"0.08 a GB ({TABLES})")
RDS_GP3_GB: Final = Price(0.115, "0.115 a GB (usage.ai, 2026-06)")
RDS_SNAPSHOT_GB: Final = Price(0.095, f"0.095 a GB ({TABLES})")
SECRET: Final = Price(0.40, f"0.40 a secret ({TABLES})")
ROUTE53_ZONE: Final = Price(0.50, f"0.50 a zone, queries aside ({TABLES})")
S3_STANDARD_GB: Final = Price(0.023, f"0.023 a GB ({TABLES})")
BUCKET: Final = Price(0.50, f"5 GB and their requests, what one person's traces take ({TABLES})")

# CPU credits of db.t3 and db.t4g, which RDS always runs in "unlimited" mode (AWS on re:Post, "per
# vCPU-Hour of T3 CPU Credits"), and of a T4g that runs so. By size: the number of vCPUs, and the
# baseline share of each (EC2 user guide, "Key concepts for burstable performance instances").
DATABASE_CREDIT: Final = hourly(0.075, "0.075 per vCPU-hour above the baseline (AWS re:Post)")
INSTANCE_CREDIT: Final = hourly(0.04, f"0.04 per vCPU-hour of T4g above the baseline ({TABLES})")
BASELINES: Final = {
    "nano": (2, 0.05),
    "micro": (2, 0.10),
    "small": (2, 0.20),
    "medium": (2, 0.20),
    "large": (2, 0.30),
    "xlarge": (4, 0.40),
    "2xlarge": (8, 0.40),
}

# On-demand prices. In the T3 and T4g families each size costs twice the previous one.
NODES: Final = {
    instance_type: hourly(usd, f"{usd} an hour each ({TABLES})")
    for instance_type, usd in {
        "t4g.nano": 0.0042,
        "t3.small": 0.0208,
        "t3.medium": 0.0416,
        "t3.large": 0.0832,
        "t3.xlarge": 0.1664,
        "t3.2xlarge": 0.3328,
        "t3a.medium": 0.0376,
        "t4g.small": 0.0168,
        "t4g.medium": 0.0336,
        "t4g.large": 0.0672,
        "t4g.xlarge": 0.1344,
        "t4g.2xlarge": 0.2688,
    }.items()
}
# Spot share of the on-demand price: public projects paid about $20 a month for two t3.medium. AWS
# guarantees no Spot price.
SPOT_SHARE: Final = 0.33
DATABASES: Final = {
    instance_class: hourly(usd, f"{usd} an hour (infratally.com, 2026)")
    for instance_class, usd in {
        "db.t4g.micro": 0.016,
        "db.t4g.small": 0.032,
        "db.t4g.medium": 0.065,
    }.items()
}
# Nodes with Valkey, which cost a fifth less than those with Redis (AWS, October 2024). In the T4g
# family each size costs twice the previous one.
CACHE_NODES: Final = {
    node_type: hourly(usd, f"{usd} an hour ({TABLES})")
    for node_type, usd in {
        "cache.t4g.micro": 0.0128,
        "cache.t4g.small": 0.0256,
        "cache.t4g.medium": 0.052,
    }.items()
}
