"""policies/: what a deployer and the runs in Terraform Cloud may do, and to what.

Those that grant something are read as one, whatever the files.
"""

import json
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.helpers.checkout import ROOT
from tests.helpers.stack import Stack
from tests.helpers.synthesis import SynthesizeStack

FILES = (
    "deployer",
    "private-nodes",
    "elasticache",
    "external-secrets",
    "alarms",
    "awake-hours",
)
# Not together with awake hours.
OF_REMOTE_RUNS = FILES[:-1]
TEXTS = [
    (ROOT / "policies" / f"{file}.json").read_text(encoding="utf-8").replace("${name}", "langfuse")
    for file in FILES
]
STATEMENTS: list[dict[str, Any]] = [
    statement for text in TEXTS for statement in json.loads(text)["Statement"]
]
IRSA = "terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts"
# Of a managed policy, in characters without white space.
LONGEST = 6144
# As long as a NAME may be.
LONG_NAME = "n" * 20
# What no name and no tag narrows; the page says why.
UNNARROWED = {"ec2:RunInstances", "iam:SimulatePrincipalPolicy", "sns:Unsubscribe"}


def statements(action: str) -> Iterator[dict[str, Any]]:
    for each in STATEMENTS:
        if any(fnmatchcase(action, allowed) for allowed in each["Action"]):
            yield each


def conditions(action: str) -> list[dict[str, Any]]:
    return [each.get("Condition", {}) for each in statements(action)]


def resources(statement: dict[str, Any]) -> list[str]:
    found = statement["Resource"]
    return [found] if isinstance(found, str) else list(found)


def test_roles_are_handed_to_eks_ec2_and_schedules_only() -> None:
    handing = [*statements("iam:PassRole")]
    for statement in handing:
        assert statement["Action"] == ["iam:PassRole"]
        assert statement["Resource"] == ["arn:aws:iam::*:role/langfuse-*"]
    assert [each["Condition"]["StringEquals"]["iam:PassedToService"] for each in handing] == [
        ["ec2.amazonaws.com", "eks.amazonaws.com"],
        "scheduler.amazonaws.com",
    ]


def test_a_name_ends_where_it_ends() -> None:
    """With NAME=a, a pattern `a*` would be every name that begins with an a."""
    patterns = [arn for each in STATEMENTS for arn in resources(each) if "langfuse" in arn]
    assert len(patterns) > 10
    assert [arn for arn in patterns if re.search(r"langfuse(?![-/]|$)", arn)] == []


@pytest.mark.parametrize(
    "thing",
    [
        "InternetGateway",
        "LaunchTemplate",
        "NatGateway",
        "NetworkInterface",
        "RouteTable",
        "SecurityGroup",
        "Subnet",
        "Vpc",
        "VpcEndpoint",
    ],
)
def test_network_is_made_with_the_tag(thing: str) -> None:
    found = conditions(f"ec2:Create{thing}")
    assert {"StringEquals": {"aws:RequestTag/Project": "langfuse"}} in found
    assert {} not in found


# Beside what they make, they need what it is made in: that has the tag already.
@pytest.mark.parametrize(
    "action",
    [
        "CreateNatGateway",
        "CreateNetworkInterface",
        "CreateRouteTable",
        "CreateSecurityGroup",
        "CreateSubnet",
    ],
)
def test_network_is_made_in_what_has_the_tag(action: str) -> None:
    assert {"StringEquals": {"aws:ResourceTag/Project": "langfuse"}} in conditions(f"ec2:{action}")


def test_what_is_changed_or_deleted_has_the_tag() -> None:
    verbs = "Associate|Attach|Authorize|Delete|Detach|Disassociate|Modify|Revoke|Update"
    changes = [
        action
        for each in STATEMENTS
        for action in each["Action"]
        if re.match(rf"ec2:({verbs})", action)
    ]
    assert len(changes) > 15
    for action in changes:
        for condition in conditions(action):
            (tag,) = condition["StringEquals"].items()
            assert tag in {
                ("aws:ResourceTag/Project", "langfuse"),
                ("aws:ResourceTag/cluster.k8s.amazonaws.com/name", "langfuse"),
            }


@pytest.mark.parametrize(
    ("action", "tag"),
    [
        ("ec2:AllocateAddress", "aws:RequestTag/Project"),
        ("ec2:ReleaseAddress", "aws:ResourceTag/Project"),
        ("autoscaling:CreateAutoScalingGroup", "aws:RequestTag/Project"),
        ("autoscaling:DeleteAutoScalingGroup", "aws:ResourceTag/Project"),
        ("autoscaling:UpdateAutoScalingGroup", "aws:ResourceTag/Project"),
    ],
)
def test_addresses_and_groups_have_the_tag(action: str, tag: str) -> None:
    assert conditions(action) == [{"StringEquals": {tag: "langfuse"}}]


def test_a_tag_is_not_put_on_what_others_made() -> None:
    """Whoever could tag a stranger's VPC could delete it next."""
    assert sorted(map(str, conditions("ec2:CreateTags"))) == sorted(
        [
            str({"Null": {"ec2:CreateAction": "false"}}),
            str({"StringEquals": {"aws:ResourceTag/Project": "langfuse"}}),
        ]
    )


def test_everything_else_is_narrowed_or_looks_only() -> None:
    wide = {
        action
        for each in STATEMENTS
        if each["Resource"] == "*" and "Condition" not in each
        for action in each["Action"]
    }
    looks = re.compile(r"\w+:(Describe|Get|List)\w*\*?$")
    assert {action for action in wide if not looks.match(action)} == UNNARROWED
    page = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8")
    assert all(f"`{action}`" in page for action in UNNARROWED)


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("eks:CreateNodegroup", "arn:aws:eks:us-east-1:1:cluster/langfuse"),
        ("eks:DeleteNodegroup", "arn:aws:eks:us-east-1:1:nodegroup/langfuse/langfuse-2/id"),
        ("eks:UpdateAddon", "arn:aws:eks:us-east-1:1:addon/langfuse/coredns/id"),
        ("eks:DeleteAccessEntry", "arn:aws:eks:us-east-1:1:access-entry/langfuse/user/1/a/id"),
        ("rds:CreateDBInstance", "arn:aws:rds:us-east-1:1:db:langfuse"),
        ("rds:CreateDBInstance", "arn:aws:rds:us-east-1:1:pg:default.postgres16"),
        ("rds:RestoreDBInstanceToPointInTime", "arn:aws:rds:us-east-1:1:db:langfuse-pitr"),
        ("rds:CopyDBSnapshot", "arn:aws:rds:us-east-1:1:snapshot:rds:langfuse-2026-01-31"),
        ("rds:DeleteDBSnapshot", "arn:aws:rds:us-east-1:1:snapshot:final-langfuse-0a1b2c3d"),
        ("rds:CreateDBSubnetGroup", "arn:aws:rds:us-east-1:1:subgrp:langfuse-restore"),
        (
            "cloudformation:CreateStack",
            "arn:aws:cloudformation:us-east-1:1:stack/langfuse-retained/id",
        ),
        (
            "elasticache:CreateReplicationGroup",
            "arn:aws:elasticache:us-east-1:1:cluster:langfuse-001",
        ),
        (
            "elasticache:DeleteReplicationGroup",
            "arn:aws:elasticache:us-east-1:1:replicationgroup:langfuse",
        ),
        (
            "elasticache:CreateCacheParameterGroup",
            "arn:aws:elasticache:us-east-1:1:parametergroup:langfuse-valkey8",
        ),
        (
            "elasticache:CreateCacheSubnetGroup",
            "arn:aws:elasticache:us-east-1:1:subnetgroup:langfuse-redis",
        ),
        ("cloudwatch:PutMetricAlarm", "arn:aws:cloudwatch:us-east-1:1:alarm:langfuse-redis-memory"),
        ("sns:CreateTopic", "arn:aws:sns:us-east-1:1:langfuse-alarms"),
        ("budgets:ModifyBudget", "arn:aws:budgets::1:budget/langfuse-monthly"),
        ("s3:PutBucketCORS", "arn:aws:s3:::langfuse-1-us-east-1"),
        # Calls of backups.py.
        ("s3:ListBucket", "arn:aws:s3:::langfuse-1-us-east-1"),
        ("s3:ListBucketVersions", "arn:aws:s3:::langfuse-1-us-east-1"),
        ("s3:GetObject", "arn:aws:s3:::langfuse-1-us-east-1/clickhouse/chosen"),
        ("s3:PutObject", "arn:aws:s3:::langfuse-1-us-east-1/clickhouse/chosen"),
        ("s3:DeleteObjectVersion", "arn:aws:s3:::langfuse-1-us-east-1/events/a.json"),
        ("s3:DeleteBucket", "arn:aws:s3:::langfuse-1-us-east-1"),
        ("rds:DeleteDBInstanceAutomatedBackup", "arn:aws:rds:us-east-1:1:auto-backup:ab-1"),
        # Calls of upgrade.py, and what Terraform reads of it.
        ("rds:CreateDBSnapshot", "arn:aws:rds:us-east-1:1:db:langfuse"),
        ("rds:CreateDBSnapshot", "arn:aws:rds:us-east-1:1:snapshot:final-langfuse-way-back-1"),
        ("rds:CopyDBSnapshot", "arn:aws:rds:us-east-1:1:snapshot:final-langfuse-way-back-1-2"),
        ("rds:AddTagsToResource", "arn:aws:rds:us-east-1:1:snapshot:final-langfuse-way-back-1"),
        ("s3:PutObject", "arn:aws:s3:::langfuse-1-us-east-1/clickhouse/way-back"),
        ("s3:GetObject", "arn:aws:s3:::langfuse-1-us-east-1/clickhouse/langfuse"),
        ("s3:GetObjectTagging", "arn:aws:s3:::langfuse-1-us-east-1/clickhouse/langfuse"),
        (
            "cloudformation:DeleteStack",
            "arn:aws:cloudformation:us-east-1:1:stack/langfuse-retained-mark/id",
        ),
        (
            "secretsmanager:DeleteSecret",
            "arn:aws:secretsmanager:us-east-1:1:secret:langfuse-application-secrets-aB3dEf",
        ),
        ("ssm:DeleteParameter", "arn:aws:ssm:us-east-1:1:parameter/langfuse/retained/database"),
        ("ssm:PutParameter", "arn:aws:ssm:us-east-1:1:parameter/langfuse/salt"),
        ("scheduler:CreateSchedule", "arn:aws:scheduler:us-east-1:1:schedule/default/langfuse-a"),
        ("rds:StartDBInstance", "arn:aws:rds:us-east-1:1:db:langfuse"),
        ("iam:CreateInstanceProfile", "arn:aws:iam::1:instance-profile/langfuse-nat"),
    ],
)
def test_names_are_covered_and_a_longer_word_is_not(action: str, arn: str) -> None:
    def covered(wanted: str) -> bool:
        return any(
            fnmatchcase(wanted, pattern)
            for each in statements(action)
            for pattern in resources(each)
        )

    assert covered(arn)
    stranger = arn.replace("langfuse", "langfuses")
    assert stranger == arn or not covered(stranger)


def test_roles_have_names_that_the_policy_covers(
    every_variable: dict[str, Stack], every_other_variable: dict[str, Stack]
) -> None:
    """The modules put a hyphen and a suffix behind these names, and `-cluster` behind NAME."""
    names = [
        call["name"]
        for stack in every_variable.values()
        for call in stack.modules.values()
        if call["source"] == IRSA
    ]
    cluster = every_variable["network"].module("terraform-aws-modules/eks/aws")
    names += [group["iam_role_name"] for group in cluster["eks_managed_node_groups"].values()]
    names += [each["name"] for each in every_variable["workspaces"].resources("aws_iam_role")]
    other = every_other_variable
    names += [each["name"] for each in other["workspaces"].resources("aws_iam_policy")]
    names += [each["name"] for each in other["deps"].resources("aws_iam_policy")]
    names += [each["name"] for each in other["network"].resources("aws_iam_role")]
    assert cluster["name"] == "team-a1"
    assert "iam_role_name" not in cluster
    assert len(names) == 15
    assert [name for name in names if not name.startswith("team-a1-")] == []


@pytest.mark.parametrize("partition", ["aws", "aws-cn", "aws-us-gov"])
def test_policy_is_short_enough_and_about_this_name_only(
    synthesize_stack: SynthesizeStack, partition: str
) -> None:
    lines = {
        "TERRAFORM_CLOUD_RUNS": "remote",
        "NODE_SUBNETS": "private",
        "ALARM_EMAIL": "ops@example.com",
        "NAME": LONG_NAME,
    }
    # The two do not go together.
    redis, secrets = (
        synthesize_stack("workspaces", **lines, **{key: value}).resources("aws_iam_policy")
        for key, value in (("REDIS", "elasticache"), ("SECRETS", "external"))
    )
    policies = {each["name"]: each for each in (*redis, *secrets)}
    assert len(policies) == len(OF_REMOTE_RUNS)
    for policy in policies.values():
        text = policy["policy"].replace("${data.aws_partition.partition.partition}", partition)
        assert len(text) <= LONGEST
        assert "langfuse" not in text
        assert LONG_NAME in text
        assert "$" not in text
