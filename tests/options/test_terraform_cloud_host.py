"""TERRAFORM_CLOUD_HOST: state, outputs and the identity of runs are at another host."""

import json

import pytest

from tests.helpers.synthesis import Stacks, WithOptions

HOST = "app.eu.terraform.io"


@pytest.fixture(scope="module")
def elsewhere(with_options: WithOptions) -> Stacks:
    return with_options("terraform_cloud_host", "remote_runs")


def test_nothing_is_left_at_the_default_host(elsewhere: Stacks) -> None:
    for stack in elsewhere.values():
        assert "app.terraform.io" not in stack.text
        assert stack.json["terraform"]["backend"]["remote"]["hostname"] == HOST
    readers = [stack for stack in elsewhere.values() if "tfe" in stack.json["provider"]]
    assert [stack.json["provider"]["tfe"][0]["hostname"] for stack in readers] == [HOST] * 3


def test_aws_trusts_that_host(elsewhere: Stacks) -> None:
    workspaces = elsewhere["workspaces"]
    assert workspaces.resource("aws_iam_openid_connect_provider")["url"] == f"https://{HOST}"
    policy = json.loads(workspaces.resource("aws_iam_policy", "runs")["policy"])
    resources = [arn for each in policy["Statement"] for arn in each["Resource"]]
    assert [arn for arn in resources if "terraform" in arn] == [
        f"arn:${{data.aws_partition.partition.partition}}:iam::*:oidc-provider/{HOST}"
    ]
