"""What there is in the account that costs: by its tag, by its name, and new since the run began.

Listed are the kinds that ``pricing`` has a price for, and others that are never free. What has the
tag and is neither of these nor free is named too, without a price. An instance's or a database's
public IPv4 goes with it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import jmespath  # type: ignore[import-untyped]
from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up.account import Account, find
from preflight.inquiry import unknown
from pricing import prices
from pricing.prices import Price

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Thing:
    """Something in the account."""

    what: str
    """Its kind and id."""
    usd: float | None
    """List price of a month, traffic aside; None if there is none."""


@dataclass(frozen=True)
class Kind:
    """A kind of thing, and how AWS lists all of it in a region."""

    name: str
    service: str
    method: str
    found: str
    """JMESPath of the things in the answer."""
    id: str
    """JMESPath of the id in one of them."""
    usd: Callable[[Item], float | None]
    arguments: Mapping[str, Any] = field(default_factory=dict)


def _fixed(price: Price) -> Callable[[Item], float]:
    return lambda _: price.usd


def _by_type(table: Mapping[str, Price], key: str) -> Callable[[Item], float | None]:
    return lambda item: table[item[key]].usd if item[key] in table else None


def _by_size(price: Price, key: str) -> Callable[[Item], float]:
    return lambda item: price.usd * item[key]


def _database(item: Item) -> float | None:
    price = prices.DATABASES.get(item["DBInstanceClass"])
    if price is None:
        return None
    storage: float = item["AllocatedStorage"] * prices.RDS_GP3_GB.usd
    return price.usd + storage


def _no_price(_: Item) -> None:
    return None


KINDS: Final = (
    Kind("EKS cluster", "eks", "list_clusters", "clusters", "@", _fixed(prices.CONTROL_PLANE)),
    Kind(
        "instance",
        "ec2",
        "describe_instances",
        "Reservations[].Instances[] | [?State.Name != 'terminated']",
        "InstanceId",
        _by_type(prices.NODES, "InstanceType"),
    ),
    Kind(
        "volume",
        "ec2",
        "describe_volumes",
        "Volumes[?State != 'deleting']",
        "VolumeId",
        _by_size(prices.EBS_GP3_GB, "Size"),
    ),
    Kind(
        "EBS snapshot",
        "ec2",
        "describe_snapshots",
        "Snapshots",
        "SnapshotId",
        _no_price,
        {"OwnerIds": ["self"]},
    ),
    Kind(
        "elastic IP",
        "ec2",
        "describe_addresses",
        "Addresses",
        "AllocationId || PublicIp",
        _fixed(prices.PUBLIC_IPV4),
    ),
    Kind(
        "NAT gateway",
        "ec2",
        "describe_nat_gateways",
        "NatGateways[?State != 'deleted']",
        "NatGatewayId",
        _fixed(prices.NAT_GATEWAY),
    ),
    Kind(
        "interface endpoint",
        "ec2",
        "describe_vpc_endpoints",
        "VpcEndpoints[?VpcEndpointType == 'Interface' && State != 'deleted']",
        "VpcEndpointId",
        _fixed(prices.INTERFACE_ENDPOINT),
    ),
    Kind(
        "load balancer",
        "elbv2",
        "describe_load_balancers",
        "LoadBalancers",
        "LoadBalancerName",
        _fixed(prices.LOAD_BALANCER),
    ),
    Kind(
        "classic load balancer",
        "elb",
        "describe_load_balancers",
        "LoadBalancerDescriptions",
        "LoadBalancerName",
        _no_price,
    ),
    Kind(
        "database", "rds", "describe_db_instances", "DBInstances", "DBInstanceIdentifier", _database
    ),
    Kind(
        "snapshot",
        "rds",
        "describe_db_snapshots",
        "DBSnapshots",
        "DBSnapshotIdentifier",
        _by_size(prices.RDS_SNAPSHOT_GB, "AllocatedStorage"),
        {"SnapshotType": "manual"},
    ),
    # Billed for what was written (docs/costs.md), which RDS does not tell.
    Kind(
        "automated backups of",
        "rds",
        "describe_db_instance_automated_backups",
        "DBInstanceAutomatedBackups[?Status == 'retained']",
        "DBInstanceIdentifier",
        _no_price,
    ),
    Kind(
        "cache",
        "elasticache",
        "describe_cache_clusters",
        "CacheClusters",
        "CacheClusterId",
        _by_type(prices.CACHE_NODES, "CacheNodeType"),
    ),
    Kind("secret", "secretsmanager", "list_secrets", "SecretList", "Name", _fixed(prices.SECRET)),
    Kind("log group", "logs", "describe_log_groups", "logGroups", "logGroupName", _no_price),
)
# In ARNs, service and type of what is listed above or looked for, and of what is free.
LISTED: Final = re.compile(
    r"eks:cluster|ec2:(instance|volume|snapshot|elastic-ip|natgateway|vpc-endpoint)|logs:log-group"
    r"|elasticloadbalancing:loadbalancer|rds:(db|snapshot|auto-backup)|secretsmanager:secret|s3:"
    r"|elasticache:(cluster|replicationgroup)"
)
FREE: Final = re.compile(
    r"ec2:(vpc|subnet|security-group|security-group-rule|route-table|internet-gateway|network-acl"
    r"|launch-template|network-interface|dhcp-options|egress-only-internet-gateway)"
    r"|eks:(nodegroup|addon|access-entry|podidentityassociation)|iam:[\w-]+|cloudformation:stack"
    r"|rds:(subgrp|pg|og)|elasticache:(subnetgroup|parametergroup)|ssm:parameter"
    r"|autoscaling:autoScalingGroup|elasticloadbalancing:targetgroup"
)
ARN: Final = re.compile(r"arn:[\w-]+:([\w-]+):[\w-]*:\d*:(?:([\w-]+)[:/])?(?:.*[:/])?(.+)")


@dataclass(frozen=True)
class Audit:
    """What an audit has found."""

    things: list[Thing]
    free: list[str]
    """ARNs with the tag, of what costs nothing; AWS lists them for a while after they went."""
    unasked: list[str]
    """Why some kinds could not be listed."""

    def besides(self, named: re.Pattern[str]) -> list[Thing]:
        """Return the things that are not named."""
        return [each for each in self.things if not named.fullmatch(each.what)]

    @property
    def usd(self) -> float:
        """Sum of the prices of a month, as far as there are any."""
        return sum(each.usd or 0 for each in self.things)


class Auditor:
    """Audits an account and region for an installation, and for what is new since this was made."""

    def __init__(self, account: Account) -> None:
        """List what there is, and take what is not of the installation for somebody else's.

        Args:
            account: the account, and the installation's name.

        """
        self._account = account
        tagged = _ids(self._tagged())
        self._before = {
            each.what for each in self._listed([]) if not self._is_ours(each.what, tagged)
        }

    def audit(self) -> Audit:
        """Return what there is of the installation, and what is new."""
        unasked: list[str] = []
        arns = self._tagged()
        tagged = _ids(arns)
        things = [
            each
            for each in self._listed(unasked)
            if each.what not in self._before or self._is_ours(each.what, tagged)
        ]
        free = [arn for arn in arns if FREE.fullmatch(_type(arn))]
        others = [
            Thing(arn, None) for arn in arns if arn not in free and not LISTED.fullmatch(_type(arn))
        ]
        return Audit([*things, *self._bucket(), *others], free, unasked)

    def _is_ours(self, what: str, tagged: set[str]) -> bool:
        name = re.escape(self._account.name)
        return what.rpartition(" ")[2] in tagged or re.search(rf"\b{name}\b", what) is not None

    def _listed(self, unasked: list[str]) -> Iterator[Thing]:
        for kind in KINDS:
            client = self._account.client(kind.service)
            try:
                if client.can_paginate(kind.method):
                    pages = client.get_paginator(kind.method).paginate(**kind.arguments)
                    answer = pages.build_full_result()
                else:
                    answer = getattr(client, kind.method)(**kind.arguments)
            except ClientError as error:
                unasked.append(f"{kind.name}: {unknown(error)}")
                continue
            for item in jmespath.search(kind.found, answer) or ():
                yield Thing(f"{kind.name} {jmespath.search(kind.id, item)}", kind.usd(item))

    def _bucket(self) -> Iterator[Thing]:
        s3, bucket = self._account.client("s3"), self._account.bucket
        if find("404", s3.head_bucket, **bucket) is None:
            return
        pages = s3.get_paginator("list_object_versions").paginate(**bucket)
        size = sum(each["Size"] for page in pages for each in page.get("Versions", ()))
        yield Thing(f"bucket {bucket['Bucket']}", size / 1e9 * prices.S3_STANDARD_GB.usd)

    def _tagged(self) -> list[str]:
        pages = self._account.client("resourcegroupstaggingapi").get_paginator("get_resources")
        filters = [{"Key": "Project", "Values": [self._account.name]}]
        return [
            each["ResourceARN"]
            for page in pages.paginate(TagFilters=filters)
            for each in page["ResourceTagMappingList"]
        ]


def _type(arn: str) -> str:
    """Return service and type, such as ``ec2:vpc``; a bucket's ARN has no type."""
    found = ARN.match(arn)
    return f"{found[1]}:{found[2] or ''}" if found else ""


def _ids(arns: list[str]) -> set[str]:
    return {found[3] for arn in arns if (found := ARN.match(arn))}


def retained(account: Account) -> re.Pattern[str]:
    """Return a pattern of what a destroy keeps and costs (ADR 4)."""
    name = re.escape(account.name)
    kept = (
        rf"bucket {re.escape(account.bucket['Bucket'])}",
        rf"secret {name}-application-secrets",
        rf"snapshot final-{name}-[0-9a-f]{{8}}",
        rf"automated backups of {name}",
    )
    return re.compile("|".join(kept))
