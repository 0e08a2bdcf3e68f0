"""What check_account.py says of the deployer's permissions."""

import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase

import pytest

from deployer_policies import BOUNDARY, DEPLOYER, FOLDER, PRIVATE_NODES
from preflight.permissions import EXAMPLES, wanted
from tests.helpers.aws_account import ID, Document
from tests.helpers.preflight import (
    READY,
    Asked,
    decisions,
    passes,
    stops,
)

BOUNDARY_ARN = f"arn:aws:iam::{ID}:policy/boundary"
PRIVATE = {"NODE_SUBNETS": "private"}


def statements(name: str, *policies: str) -> list[Document]:
    """Return the statements of policies, as a user has them for the installation ``name``."""
    texts = [(FOLDER / f"{each}.json").read_text(encoding="utf-8") for each in policies]
    return [
        statement
        for text in texts
        for statement in json.loads(
            text.replace("${name}", name).replace("${boundary}", BOUNDARY_ARN)
        )["Statement"]
    ]


def test_every_pattern_of_the_policies_has_an_example() -> None:
    found = statements("langfuse", *(each.stem for each in FOLDER.glob("*.json")))
    patterns = {action for each in found for action in each["Action"] if "*" in action}
    assert patterns == set(EXAMPLES)


def test_redis_in_elasticache_needs_a_second_policy(asked: Asked) -> None:
    on = {
        action: arn
        for arn, actions in wanted(asked.inquiry(REDIS="elasticache")).items()
        for action in actions
        if action.startswith("elasticache:")
    }
    prefix = f"arn:aws:elasticache:us-east-1:{ID}"
    assert on["elasticache:CreateReplicationGroup"] == f"{prefix}:replicationgroup:langfuse"
    assert on["elasticache:CreateCacheSubnetGroup"] == f"{prefix}:subnetgroup:langfuse-x"
    assert on["elasticache:ModifyCacheParameterGroup"] == f"{prefix}:parametergroup:langfuse-x"
    assert on["elasticache:DescribeReplicationGroups"] == "*"
    ok, said = asked.line("permissions", REDIS="elasticache")
    assert ok
    assert said.endswith(" actions of policies/deployer.json and policies/elasticache.json")
    assert not any(
        "elasticache" in action for each in wanted(asked.inquiry()).values() for action in each
    )


def test_an_action_is_simulated_on_a_resource_of_its_kind(asked: Asked) -> None:
    on = {action: arn for arn, actions in wanted(asked.inquiry()).items() for action in actions}
    assert on["eks:CreateNodegroup"] == f"arn:aws:eks:us-east-1:{ID}:cluster/langfuse"
    assert on["rds:CreateDBSnapshot"] == f"arn:aws:rds:us-east-1:{ID}:snapshot:final-langfuse-x"
    assert on["rds:CreateDBInstance"] == f"arn:aws:rds:us-east-1:{ID}:db:langfuse"
    assert on["iam:CreatePolicy"] == f"arn:aws:iam::{ID}:policy/langfuse-x"
    assert on["iam:PassRole"] == f"arn:aws:iam::{ID}:role/langfuse-x"
    assert on["s3:CreateBucket"] == "arn:aws:s3:::langfuse-x"
    assert on["ec2:CreateVpc"] == "*"
    assert not [arn for arn in on.values() if "*" in arn.removeprefix("*") or "$" in arn]


class Iam:
    """Judges by policies of the project, as a user has them for the installation ``name``."""

    def __init__(self, name: str, *policies: str) -> None:
        self._statements = statements(name, *(policies or (DEPLOYER,)))

    def answer(self, request: Document) -> Document:
        (resource,) = request["ResourceArns"]
        context = {
            each["ContextKeyName"]: each["ContextKeyValues"][0]
            for each in request["ContextEntries"]
        }
        return {
            "EvaluationResults": [
                {
                    "EvalActionName": action,
                    "EvalDecision": self._decide(action, resource, context),
                }
                for action in request["ActionNames"]
            ]
        }

    def _decide(self, action: str, resource: str, context: dict[str, str]) -> str:
        effects = {
            each["Effect"] for each in self._statements if covers(each, action, resource, context)
        }
        if "Deny" in effects:
            return "explicitDeny"
        return "allowed" if effects else "implicitDeny"


def covers(statement: Document, action: str, resource: str, context: dict[str, str]) -> bool:
    condition = statement.get("Condition", {})
    assert set(condition) <= {"StringEquals", "StringNotEquals", "Null"}
    return (
        any(fnmatchcase(action, each) for each in statement["Action"])
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and all(
            context.get(key) in listed(wanted)
            for key, wanted in condition.get("StringEquals", {}).items()
        )
        and all(
            context.get(key) not in listed(unwanted)
            for key, unwanted in condition.get("StringNotEquals", {}).items()
        )
        and all(key in context for key in condition.get("Null", {}))
    )


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_who_has_the_policy_has_all_that_is_asked(asked: Asked) -> None:
    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": Iam("langfuse", DEPLOYER).answer}
    assert asked.line("permissions")[1].startswith("ok   ")


def test_roles_with_a_boundary_need_a_policy_more(asked: Asked) -> None:
    for policies, verdict in (((DEPLOYER, BOUNDARY), "ok   "), ((DEPLOYER,), "your user may not ")):
        answer = Iam("langfuse", *policies).answer
        asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": answer}
        _, said = asked.line("permissions", IAM_PERMISSIONS_BOUNDARY=BOUNDARY_ARN)
        assert said.startswith(verdict)
    assert said.startswith("your user may not iam:PutRolePermissionsBoundary;")


def test_private_nodes_need_a_second_policy(asked: Asked) -> None:
    both = Iam("langfuse", DEPLOYER, PRIVATE_NODES)
    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": both.answer}
    ok, said = asked.line("permissions", **PRIVATE)
    assert ok
    assert said.endswith(" actions of policies/deployer.json and policies/private-nodes.json")


@pytest.mark.parametrize("variables", [PRIVATE, {**PRIVATE, "NAT": "instance"}])
def test_private_nodes_lack_the_second_policy(asked: Asked, variables: dict[str, str]) -> None:
    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": Iam("langfuse").answer}
    ok, said = asked.line("permissions", **variables)
    assert not ok
    assert said.endswith("; give it policies/private-nodes.json for this NAME: docs/permissions.md")


def test_the_policy_of_another_name_is_not_enough(asked: Asked) -> None:
    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": Iam("another", DEPLOYER).answer}
    ok, said = asked.line("permissions")
    assert not ok
    assert said.endswith("; give it policies/deployer.json for this NAME: docs/permissions.md")


def test_permissions_are_missing(asked: Asked) -> None:
    def answer(request: Document) -> Document:
        return decisions(request, "implicitDeny", of="rds:CreateDBSnapshot")

    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": answer}
    said = "give it policies/deployer.json for this NAME: docs/permissions.md"
    assert asked.line("permissions") == stops(f"your user may not rds:CreateDBSnapshot; {said}")


def test_all_permissions_are_missing(asked: Asked) -> None:
    def answer(request: Document) -> Document:
        return decisions(request, "explicitDeny")

    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": answer}
    ok, said = asked.line("permissions")
    assert not ok
    first = "your user may not autoscaling:DescribeAutoScalingGroups and "
    assert said.startswith(first)
    assert " more actions; give it" in said


def test_a_condition_of_the_users_own_policy(asked: Asked) -> None:
    def answer(request: Document) -> Document:
        missing = ["aws:MultiFactorAuthPresent"]
        return decisions(request, "implicitDeny", MissingContextValues=missing)

    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": answer}
    ok, said = asked.line("permissions")
    assert ok
    assert said.startswith("warning: not known: whether your user may ")
    assert said.endswith(" depends on a condition")


def test_a_session_has_the_permissions_of_its_role(asked: Asked) -> None:
    role = f"arn:aws:iam::{ID}:role/path/deployer"
    principals = set()

    def answer(request: Document) -> Document:
        principals.add(request["PolicySourceArn"])
        return decisions(request, "allowed")

    session = f"arn:aws:sts::{ID}:assumed-role/deployer/ada"
    document = {
        "Path": "/path/",
        "RoleName": "deployer",
        "RoleId": "A" * 16,
        "Arn": role,
        "CreateDate": datetime.now(UTC),
    }
    asked.aws.answers = {
        **READY,
        "sts.GetCallerIdentity": {"Account": ID, "Arn": session},
        "iam.GetRole": {"Role": document},
        "iam.SimulatePrincipalPolicy": answer,
    }
    assert asked.line("permissions")[1].startswith("ok   ")
    assert principals == {role}


def test_the_root_user_may_do_everything(asked: Asked) -> None:
    root = {"Account": ID, "Arn": f"arn:aws:iam::{ID}:root"}
    asked.aws.answers = {**READY, "sts.GetCallerIdentity": root}
    said = "ok   the root user, who may do everything"
    assert asked.line("permissions") == passes(said)
