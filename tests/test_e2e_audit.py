"""What the e2e's audit finds in an account, and what it takes for the installation's."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from backing_up.account import Account
from pricing import prices
from tests.e2e.audit import KINDS, Auditor, Thing, retained
from tests.helpers.aws_account import ID, REGION, refusal

NAME = "langfuse-e2e"
BUCKET = f"{NAME}-{ID}-{REGION}"
EC2 = f"arn:aws:ec2:{REGION}:{ID}"

Answers = dict[tuple[str, str], Any]


class Service:
    """A service whose calls answer with a document, or with an error."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def can_paginate(self, _: str) -> bool:
        return False

    def get_paginator(self, call: str) -> "Service":
        return Service({"paginate": [self._answers.get(call, {"ResourceTagMappingList": []})]})

    def paginate(self, **_: Any) -> Iterator[Any]:  # noqa: ANN401
        yield from self._answers["paginate"]

    def __getattr__(self, call: str) -> Any:  # noqa: ANN401, D105
        def answer(**_: Any) -> Any:  # noqa: ANN401
            found = self._answers.get(call, {})
            if isinstance(found, Exception):
                raise found
            return found

        return answer


def account(answers: Answers) -> Account:
    """Return an account that answers so; the dictionary can change afterwards."""
    no_bucket = {
        ("s3", "head_bucket"): refusal("404"),
        ("sts", "get_caller_identity"): {"Account": ID},
    }

    class Session:
        def client(self, service: str, **_: Any) -> Service:  # noqa: ANN401
            class Current(dict[str, Any]):
                def get(self, call: str, default: Any = None) -> Any:  # noqa: ANN401
                    return {**no_bucket, **answers}.get((service, call), default)

            return Service(Current())

    return Account(NAME, REGION, Session())


def tagged(*arns: str) -> dict[str, Any]:
    return {"ResourceTagMappingList": [{"ResourceARN": each} for each in arns]}


TAGS = ("resourcegroupstaggingapi", "get_resources")
VOLUMES = ("ec2", "describe_volumes")
SECRETS = ("secretsmanager", "list_secrets")


def volumes(*ids: str, state: str = "available") -> dict[str, Any]:
    return {"Volumes": [{"VolumeId": each, "Size": 20, "State": state} for each in ids]}


@pytest.mark.parametrize(
    ("call", "answer", "thing"),
    [
        (("eks", "list_clusters"), {"clusters": [NAME]}, (f"EKS cluster {NAME}", 73.0)),
        (
            ("ec2", "describe_instances"),
            {
                "Reservations": [
                    {
                        "Instances": [
                            {
                                "InstanceId": id_,
                                "InstanceType": "t3.medium",
                                "State": {"Name": state},
                            }
                            for id_, state in (("i-1", "running"), ("i-2", "terminated"))
                        ]
                    }
                ]
            },
            ("instance i-1", prices.NODES["t3.medium"].usd),
        ),
        (VOLUMES, volumes("vol-1"), ("volume vol-1", 1.6)),
        (
            ("ec2", "describe_snapshots"),
            {"Snapshots": [{"SnapshotId": "snap-1"}]},
            ("EBS snapshot snap-1", None),
        ),
        (
            ("ec2", "describe_addresses"),
            {"Addresses": [{"AllocationId": "eipalloc-1", "PublicIp": "192.0.2.1"}]},
            ("elastic IP eipalloc-1", 3.65),
        ),
        (
            ("ec2", "describe_nat_gateways"),
            {
                "NatGateways": [
                    {"NatGatewayId": "nat-1", "State": "available"},
                    {"NatGatewayId": "nat-2", "State": "deleted"},
                ]
            },
            ("NAT gateway nat-1", 32.85),
        ),
        (
            ("ec2", "describe_vpc_endpoints"),
            {
                "VpcEndpoints": [
                    {"VpcEndpointId": id_, "VpcEndpointType": type_, "State": "available"}
                    for id_, type_ in (("vpce-1", "Interface"), ("vpce-2", "Gateway"))
                ]
            },
            ("interface endpoint vpce-1", 7.3),
        ),
        (
            ("elbv2", "describe_load_balancers"),
            {"LoadBalancers": [{"LoadBalancerName": "k8s-1"}]},
            ("load balancer k8s-1", prices.LOAD_BALANCER.usd),
        ),
        (
            ("elb", "describe_load_balancers"),
            {"LoadBalancerDescriptions": [{"LoadBalancerName": "a1"}]},
            ("classic load balancer a1", None),
        ),
        (
            ("rds", "describe_db_instances"),
            {
                "DBInstances": [
                    {
                        "DBInstanceIdentifier": NAME,
                        "DBInstanceClass": "db.t4g.micro",
                        "AllocatedStorage": 20,
                    }
                ]
            },
            (f"database {NAME}", 11.68 + 2.3),
        ),
        (
            ("rds", "describe_db_snapshots"),
            {"DBSnapshots": [{"DBSnapshotIdentifier": f"final-{NAME}-0a", "AllocatedStorage": 20}]},
            (f"snapshot final-{NAME}-0a", 1.9),
        ),
        (
            ("rds", "describe_db_instance_automated_backups"),
            {
                "DBInstanceAutomatedBackups": [
                    {"DBInstanceIdentifier": NAME, "Status": "retained"},
                    {"DBInstanceIdentifier": "another", "Status": "active"},
                ]
            },
            (f"automated backups of {NAME}", None),
        ),
        (
            ("elasticache", "describe_cache_clusters"),
            {"CacheClusters": [{"CacheClusterId": "c", "CacheNodeType": "cache.t4g.micro"}]},
            ("cache c", prices.CACHE_NODES["cache.t4g.micro"].usd),
        ),
        (SECRETS, {"SecretList": [{"Name": f"{NAME}-x"}]}, (f"secret {NAME}-x", 0.4)),
        (
            ("logs", "describe_log_groups"),
            {"logGroups": [{"logGroupName": "/aws/eks/x"}]},
            ("log group /aws/eks/x", None),
        ),
    ],
    ids=[kind.name.replace(" ", "-") for kind in KINDS],
)
def test_new_thing_is_found_with_its_price(
    call: tuple[str, str], answer: dict[str, Any], thing: tuple[str, float | None]
) -> None:
    answers: Answers = {}
    auditor = Auditor(account(answers))
    answers[call] = answer
    (found,) = auditor.audit().things
    assert (found.what, found.usd) == (
        thing[0],
        thing[1] if thing[1] is None else pytest.approx(thing[1]),
    )


def test_what_was_there_before_is_somebody_elses() -> None:
    answers: Answers = {VOLUMES: volumes("vol-1")}
    auditor = Auditor(account(answers))
    assert auditor.audit().things == []
    answers[VOLUMES] = volumes("vol-1", "vol-2")
    assert [each.what for each in auditor.audit().things] == ["volume vol-2"]


@pytest.mark.parametrize(
    "answers",
    [
        {VOLUMES: volumes("vol-1"), TAGS: tagged(f"{EC2}:volume/vol-1")},
        {SECRETS: {"SecretList": [{"Name": f"{NAME}-application-secrets"}]}},
    ],
    ids=["by tag", "by name"],
)
def test_installation_that_was_there_before_is_found(answers: Answers) -> None:
    assert len(Auditor(account(answers)).audit().things) == 1


def test_bucket_is_priced_by_all_versions() -> None:
    versions = {"Versions": [{"Size": 10**9}, {"Size": 10**9}]}
    answers: Answers = {("s3", "head_bucket"): {}, ("s3", "list_object_versions"): versions}
    (bucket,) = Auditor(account(answers)).audit().things
    assert bucket.what == f"bucket {BUCKET}"
    assert bucket.usd == pytest.approx(0.046)


def test_tags_of_what_is_gone_or_free_are_no_reason_to_fail() -> None:
    gone, free = f"{EC2}:instance/i-1", f"{EC2}:vpc/vpc-1"
    audit = Auditor(account({TAGS: tagged(gone, free)})).audit()
    assert (audit.things, audit.free) == ([], [free])


def test_tagged_thing_of_a_new_kind_is_named_without_a_price() -> None:
    topic = f"arn:aws:sns:{REGION}:{ID}:langfuse-e2e-alarms"
    audit = Auditor(account({TAGS: tagged(topic)})).audit()
    assert audit.things == [Thing(topic, None)]


def test_kind_that_may_not_be_listed_is_said() -> None:
    message = "User: x is not authorized to perform: logs:DescribeLogGroups on resource"
    answers: Answers = {("logs", "describe_log_groups"): refusal("AccessDenied", message)}
    audit = Auditor(account(answers)).audit()
    assert audit.unasked == ["log group: not known: your user lacks logs:DescribeLogGroups"]


@pytest.mark.parametrize(
    ("what", "kept"),
    [
        (f"bucket {BUCKET}", True),
        (f"secret {NAME}-application-secrets", True),
        (f"snapshot final-{NAME}-0a1b2c3d", True),
        (f"automated backups of {NAME}", True),
        (f"snapshot {NAME}", False),
        (f"database {NAME}", False),
        ("volume vol-1", False),
    ],
)
def test_what_a_destroy_keeps(what: str, kept: bool) -> None:  # noqa: FBT001 - parametrized
    assert (retained(account({})).fullmatch(what) is not None) is kept


def test_aws_has_these_calls() -> None:
    """Each kind is listed by a call of its service, with members that the answer has."""
    import boto3  # type: ignore[import-untyped] # noqa: PLC0415

    for kind in KINDS:
        client = boto3.client(kind.service, region_name=REGION)
        operation = client.meta.method_to_api_mapping[kind.method]
        output = client.meta.service_model.operation_model(operation).output_shape
        assert kind.found.partition("[")[0] in cast("Any", output).members
