"""What check_account.py says of the deployer's permissions."""

import json
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from preflight.permissions import CACHES, EXAMPLES, POLICY, wanted
from tests.helpers.aws_account import ID, Document
from tests.helpers.preflight import (
    READY,
    Asked,
    decisions,
    passes,
    stops,
)


def test_every_pattern_of_the_policy_has_an_example() -> None:
    statements = [
        statement
        for file in (POLICY, CACHES)
        for statement in json.loads(file.read_text(encoding="utf-8"))["Statement"]
    ]
    patterns = {action for each in statements for action in each["Action"] if "*" in action}
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
    """Judges by deployer.json, as a user has it for the installation ``name``."""

    def __init__(self, name: str) -> None:
        text = POLICY.read_text(encoding="utf-8").replace("${name}", name)
        self._statements: list[Document] = json.loads(text)["Statement"]

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
                    "EvalDecision": "allowed"
                    if any(allows(each, action, resource, context) for each in self._statements)
                    else "implicitDeny",
                }
                for action in request["ActionNames"]
            ]
        }


def allows(statement: Document, action: str, resource: str, context: dict[str, str]) -> bool:
    condition = statement.get("Condition", {})
    assert set(condition) <= {"StringEquals", "Null"}
    return (
        any(fnmatchcase(action, each) for each in statement["Action"])
        and any(fnmatchcase(resource, each) for each in listed(statement["Resource"]))
        and all(
            context.get(key) in listed(wanted)
            for key, wanted in condition.get("StringEquals", {}).items()
        )
        and all(key in context for key in condition.get("Null", {}))
    )


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def test_who_has_the_policy_has_all_that_is_asked(asked: Asked) -> None:
    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": Iam("langfuse").answer}
    assert asked.line("permissions")[1].startswith("ok   ")


def test_the_policy_of_another_name_is_not_enough(asked: Asked) -> None:
    asked.aws.answers = {**READY, "iam.SimulatePrincipalPolicy": Iam("another").answer}
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
