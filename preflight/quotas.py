"""Checks of AWS's quotas: what a deploy needs, and what is left.

An Elastic IP is needed by a NAT gateway only: nodes, database and a NAT instance have addresses of
AWS's pool.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up import database
from backing_up.account import code_of
from preflight.inquiry import Inquiry
from preflight.offers import zones_of
from verification.check import CheckWarning
from verification.cluster import CheckError

VPCS: Final = "L-F678F1CE"
ADDRESSES: Final = "L-0263D0A3"
NAT_GATEWAYS: Final = "L-FE5A380F"
STANDARD: Final = frozenset("acdhimrtz")
# Of a t4g.nano.
NAT_INSTANCE_VCPUS: Final = 2
_OTHER_NAT: Final = "delete one that is not used, or set NAT=instance"
# Families of instances, and the quotas of their vCPUs: on demand, on Spot (EC2 user guide, "On-
# Demand Instance limits" and "Spot Instance limits").
FAMILIES: Final = (
    (STANDARD, "L-1216C47A", "L-34B43A08"),
    (frozenset({"g", "vt"}), "L-DB2E81BA", "L-3819A6DF"),
    (frozenset({"f"}), "L-74FC7D96", "L-88CF9481"),
    (frozenset({"inf"}), "L-1945791B", "L-B5D1601B"),
    (frozenset({"p"}), "L-417A185B", "L-7212CCBC"),
    (frozenset({"trn"}), "L-2C3B7624", "L-6B0D517C"),
    (frozenset({"x"}), "L-7295265B", "L-E3A00192"),
)


def vcpus(inquiry: Inquiry) -> str:
    """Check that the nodes fit into the quota of their family's vCPUs, and return what is left.

    Raises:
        CheckError: they do not.
        CheckWarning: the quota of the family is not known.

    """
    settings = inquiry.settings
    ec2 = inquiry.account.client("ec2")
    is_spot = settings.node_capacity_type == "SPOT"
    families, code = _quota_of(settings.node_instance_type, is_spot=is_spot)
    asked = [settings.node_instance_type]
    (kind,) = ec2.describe_instance_types(InstanceTypes=asked)["InstanceTypes"]
    used = own = 0
    for instance in _instances(ec2, is_spot=is_spot):
        if _family(instance["InstanceType"]) in families:
            options = instance["CpuOptions"]
            count = options["CoreCount"] * options["ThreadsPerCore"]
            used += count
            own += count * _is_ours(instance.get("Tags", []), settings.name)
    needed = settings.node_count * kind["VCpuInfo"]["DefaultVCpus"] - own
    if "t" in families and not is_spot and settings.has_nat_instance:
        needed += NAT_INSTANCE_VCPUS
    remedy = "choose NODE_COUNT and NODE_INSTANCE_TYPE of fewer vCPUs"
    return _compare(max(needed, 0), used, _quota(inquiry, "ec2", code), code, remedy)


def vpcs(inquiry: Inquiry) -> str:
    """Check that the region takes another VPC, and return how many are left.

    Raises:
        CheckError: it does not.

    """
    pages = inquiry.account.client("ec2").get_paginator("describe_vpcs").paginate()
    found = [each for page in pages for each in page["Vpcs"]]
    exists = any(_is_ours(each.get("Tags", []), inquiry.settings.name) for each in found)
    quota = _quota(inquiry, "vpc", VPCS)
    return _compare(int(not exists), len(found), quota, VPCS, "delete one that is not used")


def addresses(inquiry: Inquiry) -> str:
    """Check that the region takes another Elastic IP, for the NAT gateway; return what is left.

    Raises:
        CheckError: it does not.

    """
    found = inquiry.account.client("ec2").describe_addresses()["Addresses"]
    exists = any(_is_ours(each.get("Tags", []), inquiry.settings.name) for each in found)
    quota = _quota(inquiry, "ec2", ADDRESSES)
    return _compare(int(not exists), len(found), quota, ADDRESSES, _OTHER_NAT)


def nat_gateways(inquiry: Inquiry) -> str:
    """Check that the first zone takes another NAT gateway, and return how many are left.

    Raises:
        CheckError: it does not.

    """
    ec2 = inquiry.account.client("ec2")
    (zone, *_) = zones_of(inquiry)
    here = ec2.describe_subnets(Filters=[{"Name": "availability-zone", "Values": [zone]}])
    subnets = {each["SubnetId"] for each in here["Subnets"]}
    states = [{"Name": "state", "Values": ["pending", "available"]}]
    found = [
        each
        for page in ec2.get_paginator("describe_nat_gateways").paginate(Filters=states)
        for each in page["NatGateways"]
        if each["SubnetId"] in subnets
    ]
    exists = any(_is_ours(each.get("Tags", []), inquiry.settings.name) for each in found)
    quota = _quota(inquiry, "vpc", NAT_GATEWAYS)
    return _compare(int(not exists), len(found), quota, NAT_GATEWAYS, _OTHER_NAT)


def databases(inquiry: Inquiry) -> str:
    """Check that RDS takes another instance, and return how many are left.

    Raises:
        CheckError: it does not.

    """
    needed = int(not database.is_running(inquiry.account))
    return _compare_in_rds(inquiry, "DBInstances", needed, "delete one that is not used")


def snapshots(inquiry: Inquiry) -> str:
    """Check that RDS takes another snapshot, which each destroy makes, and return what is left.

    Raises:
        CheckError: it does not.

    """
    remedy = "prune them: uv run backups.py --prune 2"
    return _compare_in_rds(inquiry, "ManualSnapshots", 1, remedy)


def _compare_in_rds(inquiry: Inquiry, quota: str, needed: int, remedy: str) -> str:
    quotas = inquiry.account.client("rds").describe_account_attributes()["AccountQuotas"]
    (found,) = [each for each in quotas if each["AccountQuotaName"] == quota]
    return _compare(needed, found["Used"], found["Max"], f"{quota} of RDS", remedy)


def _compare(needed: int, used: int, limit: float, quota: str, remedy: str) -> str:
    """Return how much of a quota is left.

    Raises:
        CheckError: less than is needed.

    """
    left = max(int(limit) - used, 0)
    if needed > left:
        message = (
            f"{needed} needed, {left} of {limit:.0f} left; raise the quota {quota} under Service "
            f"Quotas, or {remedy}"
        )
        raise CheckError(message)
    return f"{needed} needed, {left} of {limit:.0f} left"


def _quota(inquiry: Inquiry, service: str, code: str) -> float:
    client = inquiry.account.client("service-quotas")
    asked = {"ServiceCode": service, "QuotaCode": code}
    try:
        found = client.get_service_quota(**asked)
    except ClientError as error:
        if code_of(error) != "NoSuchResourceException":
            raise
        # Nobody has changed it.
        found = client.get_aws_default_service_quota(**asked)
    return float(found["Quota"]["Value"])


def _quota_of(instance_type: str, *, is_spot: bool) -> tuple[frozenset[str], str]:
    """Return the families that share the quota of a type, and its code.

    Raises:
        CheckWarning: no quota of the table is for it.

    """
    for families, on_demand, spot in FAMILIES:
        if _family(instance_type) in families:
            return families, spot if is_spot else on_demand
    message = f"not known: which quota the vCPUs of {instance_type} count against"
    raise CheckWarning(message)


def _family(instance_type: str) -> str:
    """Return the letters before the generation, such as ``t`` or ``inf``; ``im4gn`` is of ``i``."""
    letters = (re.match("[a-z]*", instance_type) or [""])[0]
    return letters[0] if letters in {"im", "is"} else letters


def _instances(ec2: Any, *, is_spot: bool) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    """Yield what runs and counts against the quota on demand, or against the one on Spot."""
    states = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    for page in ec2.get_paginator("describe_instances").paginate(Filters=states):
        for reservation in page["Reservations"]:
            for each in reservation["Instances"]:
                if (each.get("InstanceLifecycle") == "spot") == is_spot:
                    yield each


def _is_ours(tags: list[dict[str, str]], name: str) -> bool:
    return {"Key": "Project", "Value": name} in tags
