"""OidcRunRole: the role that runs of given workspaces assume."""

import json

import pytest

from constructs_lib.oidc_run_role import OidcRunRole
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def identity(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: OidcRunRole(
            stack,
            "identity",
            name="langfuse-terraform-cloud-runs",
            hostname="app.terraform.io",
            organization="acme",
            workspaces=["langfuse-network", "langfuse-app"],
            policy="{}",
        )
    )


def test_role_trusts_exactly_these_workspaces(identity: Stack) -> None:
    role = identity.resource("aws_iam_role")
    assert role["name"] == "langfuse-terraform-cloud-runs"
    (statement,) = json.loads(role["assume_role_policy"])["Statement"]
    assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert statement["Condition"] == {
        "StringEquals": {"app.terraform.io:aud": "aws.workload.identity"},
        "StringLike": {
            "app.terraform.io:sub": [
                f"organization:acme:project:*:workspace:{name}:run_phase:*"
                for name in ("langfuse-network", "langfuse-app")
            ]
        },
    }
    provider = identity.resource("aws_iam_openid_connect_provider", "terraform_cloud")
    assert provider["client_id_list"] == ["aws.workload.identity"]


def test_role_has_the_given_policy_and_no_other(identity: Stack) -> None:
    assert identity.resource("aws_iam_policy", "runs")["policy"] == "{}"
    attachment = identity.resource("aws_iam_role_policy_attachment")
    assert attachment["role"] == "${aws_iam_role.runs.name}"
    assert attachment["policy_arn"] == "${aws_iam_policy.runs.arn}"
