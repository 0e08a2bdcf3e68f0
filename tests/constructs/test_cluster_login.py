"""ClusterLogin: the Helm provider's way to the cluster."""

import base64
from typing import Any

import pytest

from constructs_lib.cluster_login import ClusterLogin
from tests.helpers.bare_stack import BareStack
from tests.helpers.expression import evaluate
from tests.helpers.stack import Stack

MISSING = "network-is-not-deployed.invalid"


def login(bare_stack: BareStack, published: dict[str, str], *, with_cli: bool = True) -> Stack:
    return bare_stack(
        lambda stack: ClusterLogin(
            stack,
            "login",
            name="langfuse",
            region="us-east-1",
            missing=MISSING,
            with_cli=with_cli,
            **published,
        )
    )


def kubernetes(stack: Stack) -> dict[str, Any]:
    (provider,) = stack.json["provider"]["helm"]
    found: dict[str, Any] = provider["kubernetes"]
    return found


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def outputs(name: str, host: str, authority: str) -> dict[str, str]:
    return {
        "cluster_name": name,
        "endpoint": host,
        "certificate_authority_data": encoded(authority),
    }


PUBLISHED = outputs("n", "https://out", "PEM")
GONE = dict.fromkeys(PUBLISHED, MISSING)
# A cluster as EKS shows it.
CLUSTER = {"endpoint": "https://eks", "certificate_authority": [{"data": encoded("OTHER")}]}


def test_fr10_helm_logs_in_by_itself(bare_stack: BareStack) -> None:
    found = kubernetes(login(bare_stack, PUBLISHED))
    assert found["exec"]["command"] == "aws"
    assert found["exec"]["args"][:2] == ["eks", "get-token"]
    assert found["exec"]["args"][-2:] == ["--cluster-name", "${local.cluster_name}"]
    assert "token" not in found


def test_fr10_helm_logs_in_without_the_aws_cli(bare_stack: BareStack) -> None:
    stack = login(bare_stack, PUBLISHED, with_cli=False)
    assert "exec" not in kubernetes(stack)
    token = "${ephemeral.aws_eks_cluster_auth.cluster.token}"  # noqa: S105 - a reference
    assert kubernetes(stack)["token"] == token
    cluster = stack.json["ephemeral"]["aws_eks_cluster_auth"]["cluster"]
    assert cluster["name"] == "${local.cluster_name}"


@pytest.mark.parametrize(
    ("published", "clusters", "expected"),
    [
        pytest.param(PUBLISHED, [CLUSTER], ("https://out", "PEM", "n"), id="published"),
        pytest.param(GONE, [CLUSTER], ("https://eks", "OTHER", "langfuse"), id="outputs are gone"),
        pytest.param(GONE, [], (MISSING, "", "langfuse"), id="nor a cluster"),
    ],
)
def test_fr18_helm_finds_the_cluster_without_the_outputs_of_network(
    bare_stack: BareStack,
    published: dict[str, str],
    clusters: list[dict[str, Any]],
    expected: tuple[str, str, str],
) -> None:
    names = {f"published_{key}": value for key, value in published.items()}
    stack = login(bare_stack, {key: f"local.published_{key}" for key in published})
    stack.json["locals"] |= names
    found = kubernetes(stack)
    texts = (found["host"], found["cluster_ca_certificate"], found["exec"]["args"][-1])
    assert (
        tuple(evaluate(stack, each, {"existing_cluster": clusters}) for each in texts) == expected
    )
