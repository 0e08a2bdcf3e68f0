"""ExternalSecrets: the operator's release, and that of what it works on."""

import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_helm.release import Release

import versions
from constructs_lib.external_secrets import ExternalSecrets
from tests.helpers.bare_stack import BareStack
from tests.helpers.chart_values import chart_values
from tests.helpers.stack import Stack

OPERATOR = {"scopedRBAC": True}
STORE = {"manifests": {"a": {"kind": "A"}}}
RELEASES = ("external-secrets", "langfuse-secret-store")


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> ExternalSecrets:
        made = ExternalSecrets(
            stack,
            "secrets",
            chart="https://charts.example.com",
            operator=OPERATOR,
            store=STORE,
        )
        Release(stack, "langfuse", name="langfuse", chart="c", depends_on=made.before)
        return made

    return bare_stack(make)


def test_destroy_deletes_langfuse_then_the_store_then_the_operator(stack: Stack) -> None:
    """The ExternalSecret has a finalizer: the operator has to be there when it goes."""
    operator, store = RELEASES
    langfuse = stack.resource("helm_release", "langfuse")
    assert langfuse["depends_on"] == [f"helm_release.{store}"]
    assert stack.resource("helm_release", store)["depends_on"] == [f"helm_release.{operator}"]
    assert "depends_on" not in stack.resource("helm_release", operator)


def test_deletion_of_each_is_waited_for(stack: Stack) -> None:
    for name in RELEASES:
        release = stack.resource("helm_release", name)
        assert release["wait"] is True
        assert release["timeout"] >= 300


def test_switched_off_they_go_after_langfuse_has_left_them(stack: Stack) -> None:
    """Terraform destroys so what it creates before it destroys; the state has it."""
    for name in RELEASES:
        assert stack.resource("helm_release", name)["lifecycle"] == {"create_before_destroy": True}


def test_either_may_be_the_first_in_its_namespace(stack: Stack) -> None:
    for name, values in zip(RELEASES, (OPERATOR, STORE), strict=True):
        release = stack.resource("helm_release", name)
        assert release["namespace"] == "langfuse"
        assert release["create_namespace"] is True
        assert chart_values(stack, name) == values


def test_chart_is_pinned(stack: Stack) -> None:
    release = stack.resource("helm_release", "external-secrets")
    assert (release["repository"], release["chart"]) == (
        "https://charts.example.com",
        "external-secrets",
    )
    assert release["version"] == versions.EXTERNAL_SECRETS_CHART
