"""What check_account.py says of what the region offers, and of quotas."""

import pytest

from preflight import checks
from tests.helpers.aws_account import Document, refusal
from tests.helpers.aws_answers import Answer
from tests.helpers.ec2_and_rds import vpcs
from tests.helpers.preflight import NODE, READY, TAG, Asked, passes, stops


def test_a_zone_does_not_offer_the_nodes_type(asked: Asked) -> None:
    # As AWS has it: us-east-1e lacks newer types, but is not among the first two.
    assert asked.line("zones", NODE_INSTANCE_TYPE="m7i-flex.large") == passes(
        "ok   m7i-flex.large in us-east-1a and us-east-1b"
    )
    offered = {"InstanceTypeOfferings": [{"Location": "us-east-1b"}, {"Location": "us-east-1d"}]}
    asked.aws.answers = {**READY, "ec2.DescribeInstanceTypeOfferings": offered}
    assert asked.line("zones") == stops(
        "NODE_INSTANCE_TYPE: t3.medium is not offered in us-east-1a, where the nodes are to be; "
        "choose another type or region"
    )


def test_zones_without_eks_are_left_out(asked: Asked) -> None:
    ids = {"a": "use1-az3", "b": "use1-az1", "c": "use1-az2"}
    zones = [{"ZoneName": f"us-east-1{key}", "ZoneId": value} for key, value in ids.items()]
    asked.aws.answers = {**READY, "ec2.DescribeAvailabilityZones": {"AvailabilityZones": zones}}
    assert asked.line("zones") == passes("ok   t3.medium in us-east-1b and us-east-1c")
    asked.aws.answers = {**READY, "ec2.DescribeAvailabilityZones": {"AvailabilityZones": zones[:2]}}
    assert asked.line("zones") == stops(
        "AWS_DEFAULT_REGION: us-east-1 has 1 zones for EKS, and 2 are needed; choose another"
    )


def test_kubernetes_out_of_standard_support(asked: Asked) -> None:
    assert asked.line("kubernetes", KUBERNETES_VERSION="1.33") == stops(
        "KUBERNETES_VERSION: 1.33 is out of standard support since 2026-07-29, and costs $438 a "
        "month; set 1.36"
    )


def test_no_such_kubernetes(asked: Asked) -> None:
    asked.aws.answers = {**READY, "eks.DescribeClusterVersions": {"clusterVersions": []}}
    said = "KUBERNETES_VERSION: EKS has no 1.99; set 1.36"
    assert asked.line("kubernetes", KUBERNETES_VERSION="1.99") == stops(said)


def test_kubernetes_without_a_date(asked: Asked) -> None:
    asked.aws.answers = {**READY, "eks.DescribeClusterVersions": {"clusterVersions": [{}]}}
    said = "warning: not known: until when 1.36 has standard support"
    assert asked.line("kubernetes") == passes(said)


@pytest.mark.parametrize(
    "answer",
    [
        {"OrderableDBInstanceOptions": []},
        {
            "OrderableDBInstanceOptions": [
                {
                    "EngineVersion": version,
                    "StorageType": storage,
                    "AvailabilityZones": [{"Name": zone}],
                }
                for version, storage, zone in (
                    ("15.4", "gp3", "us-east-1b"),
                    ("16.4", "io1", "us-east-1b"),
                    ("16.4", "gp3", "us-east-1d"),
                )
            ]
        },
        refusal("InvalidParameterValue", "Invalid DB Instance class: db.t4g.nano"),
    ],
)
def test_a_class_that_is_not_offered(asked: Asked, answer: Answer) -> None:
    asked.aws.answers = {**READY, "rds.DescribeOrderableDBInstanceOptions": answer}
    assert asked.line("db class", DATABASE_INSTANCE_CLASS="db.t4g.nano") == stops(
        "DATABASE_INSTANCE_CLASS: db.t4g.nano is not offered for PostgreSQL 16 in us-east-1a or "
        "us-east-1b; choose another, such as db.t4g.micro"
    )


@pytest.mark.parametrize(
    "answer",
    [
        {"ReservedCacheNodesOfferings": []},
        refusal("InvalidParameterValue", "CacheNodeType cache.t9.micro"),
    ],
)
def test_a_cache_node_that_is_not_listed(asked: Asked, answer: Answer) -> None:
    lines = {"REDIS": "elasticache", "REDIS_NODE_TYPE": "cache.t9.micro"}
    key = "elasticache.DescribeReservedCacheNodesOfferings"
    asked.aws.answers = {**READY, key: answer}
    assert asked.line("cache node", **lines) == passes(
        "warning: REDIS_NODE_TYPE: ElastiCache lists no cache.t9.micro in us-east-1; choose "
        "another, such as cache.t4g.micro"
    )


def test_a_cache_node_that_is_listed(asked: Asked) -> None:
    said = "ok   cache.t4g.micro in us-east-1"
    assert asked.line("cache node", REDIS="elasticache") == passes(said)
    parts = [line.split()[0] for _, line in asked.lines()]
    assert "cache" not in parts


def test_too_few_vcpus(asked: Asked) -> None:
    raised = {"Quota": {"Value": 5.0}}
    asked.aws.answers = {**READY, "service-quotas.GetServiceQuota": raised}
    assert asked.line("vcpus") == stops(
        "4 needed, 3 of 5 left; raise the quota L-1216C47A under Service Quotas, or choose "
        "NODE_COUNT and NODE_INSTANCE_TYPE of fewer vCPUs"
    )


def test_spot_has_a_quota_of_its_own(asked: Asked) -> None:
    said = "ok   4 needed, 8 of 8 left"
    assert asked.line("vcpus", NODE_CAPACITY_TYPE="SPOT") == passes(said)
    spot = {"Reservations": [{"Instances": [{**NODE, "InstanceLifecycle": "spot"}]}]}
    asked.aws.answers = {**READY, "ec2.DescribeInstances": spot}
    said = "ok   4 needed, 6 of 8 left"
    assert asked.line("vcpus", NODE_CAPACITY_TYPE="SPOT") == passes(said)


def test_nodes_that_run_already(asked: Asked) -> None:
    nodes = {"Reservations": [{"Instances": [{**NODE, "Tags": [TAG]}] * 2}]}
    asked.aws.answers = {**READY, "ec2.DescribeInstances": nodes}
    assert asked.line("vcpus") == passes("ok   0 needed, 28 of 32 left")


@pytest.mark.parametrize(
    ("kind", "on_demand", "spot"),
    [
        ("t4g.medium", "L-1216C47A", "L-34B43A08"),
        ("im4gn.large", "L-1216C47A", "L-34B43A08"),
        ("g5.xlarge", "L-DB2E81BA", "L-3819A6DF"),
        ("x2gd.medium", "L-7295265B", "L-E3A00192"),
        ("inf2.xlarge", "L-1945791B", "L-B5D1601B"),
    ],
)
def test_each_family_has_its_quota(asked: Asked, kind: str, on_demand: str, spot: str) -> None:
    codes = []

    def answer(request: Document) -> Document:
        codes.append(request["QuotaCode"])
        return {"Quota": {"Value": 99.0}}

    asked.aws.answers = {**READY, "service-quotas.GetServiceQuota": answer}
    asked.line("vcpus", NODE_INSTANCE_TYPE=kind)
    asked.line("vcpus", NODE_INSTANCE_TYPE=kind, NODE_CAPACITY_TYPE="SPOT")
    assert codes == [on_demand, spot]


def test_a_family_without_a_quota(asked: Asked) -> None:
    said = "warning: not known: which quota the vCPUs of u7i.large count against"
    assert asked.line("vcpus", NODE_INSTANCE_TYPE="u7i.large") == passes(said)


def test_no_vpc_is_left(asked: Asked) -> None:
    asked.aws.answers = {**READY, "ec2.DescribeVpcs": vpcs(None, None, None)}
    assert asked.line("vpcs") == passes("ok   1 needed, 1 of 5 left")
    asked.aws.answers = {**READY, "ec2.DescribeVpcs": vpcs(None, None, None, None)}
    assert asked.line("vpcs") == stops(
        "1 needed, 0 of 5 left; raise the quota L-F678F1CE under Service Quotas, or delete one "
        "that is not used"
    )
    asked.aws.answers = {**READY, "ec2.DescribeVpcs": vpcs(None, None, None, TAG)}
    assert asked.line("vpcs") == passes("ok   0 needed, 0 of 5 left")


@pytest.mark.parametrize(
    ("part", "quota", "remedy"),
    [
        ("db quota", "DBInstances", "delete one that is not used"),
        ("snapshots", "ManualSnapshots", "prune them: uv run backups.py --prune 2"),
    ],
)
def test_no_database_or_snapshot_is_left(asked: Asked, part: str, quota: str, remedy: str) -> None:
    full = {"AccountQuotas": [{"AccountQuotaName": quota, "Used": 40, "Max": 40}]}
    asked.aws.answers = {**READY, "rds.DescribeAccountAttributes": full}
    assert asked.line(part) == (
        False,
        f"1 needed, 0 of 40 left; raise the quota {quota} of RDS under Service Quotas, or {remedy}",
    )


GATEWAY = {"NODE_SUBNETS": "private"}
INSTANCE = {**GATEWAY, "NAT": "instance"}
OTHERWISE = "under Service Quotas, or delete one that is not used, or set NAT=instance"


def test_no_address_is_left_for_a_gateway(made: Asked) -> None:
    ec2 = made.client("ec2")
    for _ in range(4):
        last = ec2.allocate_address(Domain="vpc")["AllocationId"]
    assert made.line("addresses", **GATEWAY) == passes("ok   1 needed, 1 of 5 left")
    ec2.allocate_address(Domain="vpc")
    assert made.line("addresses", **GATEWAY) == stops(
        f"1 needed, 0 of 5 left; raise the quota L-0263D0A3 {OTHERWISE}"
    )
    ec2.create_tags(Resources=[last], Tags=[TAG])
    assert made.line("addresses", **GATEWAY) == passes("ok   0 needed, 0 of 5 left")


def test_no_gateway_is_left_in_the_first_zone(made: Asked) -> None:
    """Those of other zones, and deleted ones, do not count."""
    ec2 = made.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

    def gateways(zone: str, block: str, count: int) -> list[str]:
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"us-east-1{zone}")
        asked = {"SubnetId": subnet["Subnet"]["SubnetId"], "ConnectivityType": "private"}
        return [ec2.create_nat_gateway(**asked)["NatGateway"]["NatGatewayId"] for _ in range(count)]

    gateways("b", "10.0.16.0/20", 5)
    first, last, *_ = gateways("a", "10.0.0.0/20", 5)
    assert made.line("gateways", **GATEWAY) == stops(
        f"1 needed, 0 of 5 left; raise the quota L-FE5A380F {OTHERWISE}"
    )
    ec2.delete_nat_gateway(NatGatewayId=first)
    assert made.line("gateways", **GATEWAY) == passes("ok   1 needed, 1 of 5 left")
    ec2.create_tags(Resources=[last], Tags=[TAG])
    assert made.line("gateways", **GATEWAY) == passes("ok   0 needed, 1 of 5 left")


@pytest.mark.parametrize(
    ("variables", "parts"), [({}, []), (GATEWAY, ["addresses", "gateways"]), (INSTANCE, [])]
)
def test_a_gateway_alone_needs_an_elastic_ip(
    asked: Asked, variables: dict[str, str], parts: list[str]
) -> None:
    known = [each.part for each in checks.in_aws(asked.inquiry(**variables))]
    assert [part for part in known if part in {"addresses", "gateways"}] == parts


def test_a_nat_instance_has_two_vcpus(asked: Asked) -> None:
    assert asked.line("vcpus", **GATEWAY) == passes("ok   4 needed, 30 of 32 left")
    assert asked.line("vcpus", **INSTANCE) == passes("ok   6 needed, 30 of 32 left")


def test_the_first_zone_offers_no_nat_instance(asked: Asked) -> None:
    def answer(request: Document) -> Document:
        (kind,) = request["Filters"][0]["Values"]
        zones = ["us-east-1b"] if kind == "t4g.nano" else ["us-east-1a", "us-east-1b"]
        return {"InstanceTypeOfferings": [{"Location": zone} for zone in zones]}

    asked.aws.answers = {**READY, "ec2.DescribeInstanceTypeOfferings": answer}
    assert asked.line("zones", **INSTANCE) == stops(
        "NAT: t4g.nano is not offered in us-east-1a, where the NAT instance is to be; set "
        "NAT=gateway, or choose another region"
    )
    assert asked.line("zones", **GATEWAY)[0]
