"""IAM_PERMISSIONS_BOUNDARY: every IAM role carries the boundary."""

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest

from tests.helpers.checkout import ROOT
from tests.helpers.modules import EKS, INTERFACES, IRSA, RDS, VPC, node_group
from tests.helpers.synthesis import Stacks, WithOptions
from tests.options.table import OPTIONS

ARN = OPTIONS["permissions_boundary"]["IAM_PERMISSIONS_BOUNDARY"]
# Inputs for roles that are not made, and those that would switch them on.
SWITCHED_OFF = {
    (EKS, "node_iam_role_permissions_boundary"): {"compute_config"},
    (RDS, "monitoring_role_permissions_boundary"): {"create_monitoring_role"},
    (VPC, "vpc_flow_log_permissions_boundary"): {"enable_flow_log"},
}


@pytest.fixture(scope="module")
def bounded(with_options: WithOptions) -> Stacks:
    return with_options("permissions_boundary", "public_name", "remote_runs")


def test_every_module_that_makes_a_role_is_given_the_boundary(bounded: Stacks) -> None:
    given, left_out = [], set()
    for stack in bounded.values():
        for call in stack.modules.values():
            source = call["source"]
            for name in INTERFACES[source]["inputs"]:
                if name.endswith("permissions_boundary"):
                    if (source, name) in SWITCHED_OFF:
                        assert not SWITCHED_OFF[source, name] & set(call)
                        left_out.add((source, name))
                    else:
                        given.append(call[name])
    assert left_out == set(SWITCHED_OFF)
    # The cluster's, EBS's, Langfuse's, ClickHouse's, Traefik's, ExternalDNS's.
    assert given == [ARN] * 6


def test_nodes_have_it(bounded: Stacks) -> None:
    assert node_group(bounded["network"])["iam_role_permissions_boundary"] == ARN


def test_runs_have_it_and_may_make_no_role_without(bounded: Stacks) -> None:
    workspaces = bounded["workspaces"]
    assert workspaces.resource("aws_iam_role", "runs")["permissions_boundary"] == ARN
    policy = workspaces.resource("aws_iam_policy", "boundary")
    assert policy["name"] == "langfuse-terraform-cloud-runs-boundary"
    attached = workspaces.resource("aws_iam_role_policy_attachment", "boundary")
    assert attached["role"] == "${aws_iam_role.runs.name}"
    assert attached["policy_arn"] == "${aws_iam_policy.boundary.arn}"
    partition = "${data.aws_partition.partition.partition}"
    text = policy["policy"].replace(partition, "aws")
    assert json.loads(text) == document()


def document() -> dict[str, Any]:
    """Return the policy as docs/permissions.md has it made."""
    text = (ROOT / "policies" / "boundary.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(
        text.replace("${name}", "langfuse").replace("${boundary}", ARN)
    )
    return found


@pytest.mark.parametrize(
    ("action", "boundary", "denied"),
    [
        ("iam:CreateRole", None, True),
        ("iam:CreateRole", "arn:aws:iam::123456789012:policy/another", True),
        ("iam:CreateRole", ARN, False),
        # A role from before the boundary gets no more rights until it has it.
        ("iam:AttachRolePolicy", None, True),
        ("iam:PutRolePolicy", None, True),
        ("iam:PutRolePermissionsBoundary", "arn:aws:iam::aws:policy/AdministratorAccess", True),
        ("iam:PutRolePermissionsBoundary", ARN, False),
        ("iam:DeleteRolePermissionsBoundary", ARN, True),
        ("iam:DeleteRole", None, False),
        ("iam:DetachRolePolicy", None, False),
    ],
)
def test_deployer_cannot_leave_the_boundary(
    action: str, boundary: str | None, *, denied: bool
) -> None:
    """As IAM evaluates it: a negated condition holds where the key is missing."""
    found = [
        each
        for each in document()["Statement"]
        if each["Effect"] == "Deny"
        and any(fnmatchcase(action, pattern) for pattern in each["Action"])
        and each.get("Condition") in (None, {"StringNotEquals": {"iam:PermissionsBoundary": ARN}})
        and ("Condition" not in each or boundary != ARN)
    ]
    assert bool(found) is denied


def test_the_policy_of_the_boundary_stays() -> None:
    (own,) = [each for each in document()["Statement"] if each["Resource"] == [ARN]]
    assert own["Effect"] == "Deny"
    assert {"iam:CreatePolicyVersion", "iam:DeletePolicy"} <= set(own["Action"])


def test_deployer_may_put_it_on_roles_that_exist() -> None:
    (allowed,) = [each for each in document()["Statement"] if each["Effect"] == "Allow"]
    assert allowed["Action"] == ["iam:PutRolePermissionsBoundary"]
    assert allowed["Resource"] == ["arn:aws:iam::*:role/langfuse-*"]
    assert allowed["Condition"] == {"StringEquals": {"iam:PermissionsBoundary": ARN}}


def test_without_it_no_role_is_bounded(remote: Stacks) -> None:
    for stack in remote.values():
        assert "permissions_boundary" not in stack.text
    assert IRSA in {call["source"] for call in remote["deps"].modules.values()}
