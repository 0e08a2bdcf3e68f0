"""Checks of what AWS offers in the region: types of nodes, Kubernetes, the database's class."""

from datetime import UTC, datetime

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

import versions
from backing_up.account import code_of
from option_views import ManagedRedis
from preflight.inquiry import Inquiry
from sizing import NAT_INSTANCE_TYPE
from verification.check import CheckWarning
from verification.cluster import CheckError
from zones import OPT_IN_STATUS, ZONES, ZONES_WITHOUT_EKS


def zones(inquiry: Inquiry) -> str:
    """Check that both zones of the installation offer the nodes' type, and return the zones.

    Raises:
        CheckError: the region has fewer zones, one does not offer it, or the first does not offer
            the type of the NAT instance.

    """
    kind, region = inquiry.settings.node_instance_type, inquiry.settings.aws_default_region
    wanted = zones_of(inquiry)
    if len(wanted) < ZONES:
        message = (
            f"AWS_DEFAULT_REGION: {region} has {len(wanted)} zones for EKS, and {ZONES} are needed;"
            " choose another"
        )
        raise CheckError(message)
    lacking = [zone for zone in wanted if zone not in _offering(inquiry, kind)]
    if lacking:
        message = (
            f"NODE_INSTANCE_TYPE: {kind} is not offered in {' and '.join(lacking)}, where the "
            "nodes are to be; choose another type or region"
        )
        raise CheckError(message)
    if inquiry.settings.has_nat_instance and wanted[0] not in _offering(inquiry, NAT_INSTANCE_TYPE):
        message = (
            f"NAT: {NAT_INSTANCE_TYPE} is not offered in {wanted[0]}, where the NAT instance is to "
            "be; set NAT=gateway, or choose another region"
        )
        raise CheckError(message)
    return f"{kind} in {' and '.join(wanted)}"


def _offering(inquiry: Inquiry, kind: str) -> set[str]:
    """Return the zones that offer an instance type."""
    pages = inquiry.account.client("ec2").get_paginator("describe_instance_type_offerings")
    return {
        each["Location"]
        for page in pages.paginate(
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": [kind]}],
        )
        for each in page["InstanceTypeOfferings"]
    }


def zones_of(inquiry: Inquiry) -> list[str]:
    """Return the zones that the stack network chooses (constructs_lib/public_vpc.py)."""
    asked = [{"Name": "opt-in-status", "Values": [OPT_IN_STATUS]}]
    answer = inquiry.account.client("ec2").describe_availability_zones(Filters=asked)
    names = [
        each["ZoneName"]
        for each in answer["AvailabilityZones"]
        if each["ZoneId"] not in ZONES_WITHOUT_EKS
    ]
    return sorted(names)[:ZONES]


def kubernetes(inquiry: Inquiry) -> str:
    """Check that the version has standard support, and return when that ends.

    Raises:
        CheckError: it has not: extended support costs $438 a month.
        CheckWarning: not known.

    """
    version = inquiry.settings.kubernetes_version
    eks = inquiry.account.client("eks")
    found = eks.describe_cluster_versions(clusterVersions=[version])["clusterVersions"]
    if not found:
        message = f"KUBERNETES_VERSION: EKS has no {version}; set {versions.KUBERNETES}"
        raise CheckError(message)
    end = found[0].get("endOfStandardSupportDate")
    if end is None:
        message = f"not known: until when {version} has standard support"
        raise CheckWarning(message)
    # Standard support ends as this day begins.
    if end <= datetime.now(UTC):
        message = (
            f"KUBERNETES_VERSION: {version} is out of standard support since {end:%Y-%m-%d}, and "
            f"costs $438 a month; set {versions.KUBERNETES}"
        )
        raise CheckError(message)
    return f"{version}, in standard support until {end:%Y-%m-%d}"


def database_class(inquiry: Inquiry) -> str:
    """Check that RDS offers the class for PostgreSQL in one of the two zones, and return it.

    Raises:
        CheckError: it does not.

    """
    kind = inquiry.settings.database_instance_class
    wanted = zones_of(inquiry)
    if not _database_zones(inquiry, kind).intersection(wanted):
        message = (
            f"DATABASE_INSTANCE_CLASS: {kind} is not offered for PostgreSQL {versions.POSTGRES} in "
            f"{' or '.join(wanted)}; choose another, such as db.t4g.micro"
        )
        raise CheckError(message)
    return f"{kind} with PostgreSQL {versions.POSTGRES}"


def cache_node_type(redis: ManagedRedis, inquiry: Inquiry) -> str:
    """Check that ElastiCache has the type in the region, and return it.

    Raises:
        CheckWarning: AWS sells no reservations of it there. No question tells what it has.

    """
    kind, region = redis.node_type, inquiry.settings.aws_default_region
    client = inquiry.account.client("elasticache")
    try:
        answer = client.describe_reserved_cache_nodes_offerings(CacheNodeType=kind, MaxRecords=20)
        found = answer["ReservedCacheNodesOfferings"]
    except ClientError as error:
        # ElastiCache has no such type at all.
        if not code_of(error).startswith("InvalidParameter"):
            raise
        found = []
    if not found:
        message = (
            f"REDIS_NODE_TYPE: ElastiCache lists no {kind} in {region}; choose another, such as "
            "cache.t4g.micro"
        )
        raise CheckWarning(message)
    return f"{kind} in {region}"


def _database_zones(inquiry: Inquiry, kind: str) -> set[str]:
    pages = inquiry.account.client("rds").get_paginator("describe_orderable_db_instance_options")
    try:
        return {
            zone["Name"]
            for page in pages.paginate(Engine="postgres", DBInstanceClass=kind, Vpc=True)
            for each in page["OrderableDBInstanceOptions"]
            if each["EngineVersion"].partition(".")[0] == versions.POSTGRES
            and each["StorageType"] == "gp3"
            for zone in each["AvailabilityZones"]
        }
    except ClientError as error:
        # RDS has no such class at all.
        if code_of(error).startswith("InvalidParameter"):
            return set()
        raise
