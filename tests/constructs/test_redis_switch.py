"""RedisSwitch: the release that drains a Redis before Langfuse leaves it."""

import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_helm.release import Release

from constructs_lib.redis_switch import RedisSwitch
from tests.helpers.bare_stack import BareStack
from tests.helpers.chart_values import chart_values
from tests.helpers.stack import Stack

VALUES = {"manifests": {"a": {"kind": "A"}}}
SWITCH = "langfuse-redis-switch"


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> RedisSwitch:
        switch = RedisSwitch(
            stack,
            "redis",
            values=VALUES,
            timeout=60,
            role_arn="arn:aws:iam::123456789012:role/team-a-langfuse",
            use_policy_arn="arn:aws:iam::123456789012:policy/use",
        )
        Release(stack, "langfuse", name="langfuse", chart="c", depends_on=switch.before)
        return switch

    return bare_stack(make)


def test_langfuse_waits_for_the_drain_and_for_the_policy(stack: Stack) -> None:
    assert stack.resource("helm_release", "langfuse")["depends_on"] == [
        f"helm_release.{SWITCH}",
        "aws_iam_role_policy_attachment.redis_is_used_by_app",
    ]


def test_policy_is_detached_after_langfuse_has_moved(stack: Stack) -> None:
    """Terraform destroys what it creates before it destroys after what depended on it."""
    use = stack.resource("aws_iam_role_policy_attachment", "redis_is_used_by_app")
    assert use["lifecycle"] == {"create_before_destroy": True}
    arn = "arn:aws:iam::123456789012:role/team-a-langfuse"
    assert use["role"] == f'${{element(split("/", "{arn}"), 1)}}'


def test_release_is_the_first_in_its_namespace(stack: Stack) -> None:
    release = stack.resource("helm_release", SWITCH)
    assert release["create_namespace"] is True
    # Terraform drains before Langfuse moves, and so on the way back.
    assert "lifecycle" not in release
    assert chart_values(stack, SWITCH) == VALUES
