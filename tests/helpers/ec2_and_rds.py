"""Answers of EC2 and RDS for check_account.py: moto's EC2 takes two seconds to import.

Zones, types and regions are those of AWS, as moto 5.2.5 has them.
"""

from collections.abc import Mapping
from typing import Final

from tests.helpers.aws_account import Document, refusal
from tests.helpers.aws_answers import Answer

REGIONS: Final = {
    "us-east-1": "opt-in-not-required",
    "eu-central-1": "opt-in-not-required",
    "ap-east-1": "not-opted-in",
}
ZONES: Final = {
    "us-east-1a": "use1-az6",
    "us-east-1b": "use1-az1",
    "us-east-1c": "use1-az2",
    "us-east-1d": "use1-az4",
    "us-east-1e": "use1-az3",
    "us-east-1f": "use1-az5",
}
# vCPUs, and the last letters of the zones that offer the type.
TYPES: Final = {
    "t3.medium": (2, "abcdf"),
    "m7i-flex.large": (2, "abcdf"),
    "t4g.medium": (2, "abcdf"),
    "im4gn.large": (2, "abcd"),
    "g5.xlarge": (4, "abcdf"),
    "x2gd.medium": (1, "abcdf"),
    "inf2.xlarge": (4, "abcf"),
}
OF_THE_FREE_PLAN: Final = (
    *("c7i-flex.large", "m7i-flex.large", "t3.micro", "t3.small", "t4g.micro", "t4g.small"),
    *("t8i.micro", "t8i.small"),
)


def _filters(asked: Document) -> dict[str, list[str]]:
    return {each["Name"]: each["Values"] for each in asked["Filters"]}


def _regions(asked: Document) -> Document:
    every = asked.get("AllRegions", False)
    return {
        "Regions": [
            {"RegionName": name, "OptInStatus": status}
            for name, status in REGIONS.items()
            if every or status != "not-opted-in"
        ]
    }


def _zones(asked: Document) -> Document:
    # All of these are of this kind.
    assert _filters(asked) == {"opt-in-status": ["opt-in-not-required"]}
    zones = [{"ZoneName": name, "ZoneId": id_} for name, id_ in ZONES.items()]
    return {"AvailabilityZones": zones}


def _types(asked: Document) -> Document:
    if "InstanceTypes" not in asked:
        assert _filters(asked) == {"free-tier-eligible": ["true"]}
        return {"InstanceTypes": [{"InstanceType": name} for name in OF_THE_FREE_PLAN]}
    if not TYPES.keys() >= {*asked["InstanceTypes"]}:
        error = refusal("InvalidInstanceType")
        raise error
    vcpus = {name: {"DefaultVCpus": TYPES[name][0]} for name in asked["InstanceTypes"]}
    return {
        "InstanceTypes": [{"InstanceType": name, "VCpuInfo": each} for name, each in vcpus.items()]
    }


def _offerings(asked: Document) -> Document:
    assert asked["LocationType"] == "availability-zone"
    return {
        "InstanceTypeOfferings": [
            {"InstanceType": name, "Location": f"us-east-1{letter}"}
            for name in _filters(asked)["instance-type"]
            for letter in TYPES.get(name, (0, ""))[1]
        ]
    }


def vpcs(*tags: Mapping[str, str] | None) -> Document:
    """Return a VPC for each tag or None, beside the default one."""
    tagged = [[{**each}] if each else [] for each in (None, *tags)]
    return {"Vpcs": [{"VpcId": f"vpc-{n}", "Tags": each} for n, each in enumerate(tagged)]}


def rds_with(
    instances: Mapping[str, list[dict[str, str]]], *snapshots: Document
) -> dict[str, Answer]:
    """Return the answers of an RDS that has these instances, with their tags, and snapshots."""

    def describe_instances(asked: Document) -> Document:
        name = asked.get("DBInstanceIdentifier")
        if name and name not in instances:
            error = refusal("DBInstanceNotFound")
            raise error
        return {
            "DBInstances": [
                {"DBInstanceIdentifier": each, "TagList": tags}
                for each, tags in instances.items()
                if name in (None, each)
            ]
        }

    def describe_snapshots(asked: Document) -> Document:
        return {"DBSnapshots": [each for each in snapshots if asked.items() <= each.items()]}

    return {
        "rds.DescribeDBInstances": describe_instances,
        "rds.DescribeDBSnapshots": describe_snapshots,
    }


READY: Final[Mapping[str, Answer]] = {
    "ec2.DescribeRegions": _regions,
    "ec2.DescribeAvailabilityZones": _zones,
    "ec2.DescribeInstanceTypes": _types,
    "ec2.DescribeInstanceTypeOfferings": _offerings,
    "ec2.DescribeVpcs": vpcs(),
    **rds_with({}),
}
