"""WorkloadRole: one service account's role."""

from constructs_lib.workload_role import WorkloadRole
from tests.helpers.bare_stack import BareStack
from tests.helpers.modules import IRSA


def test_nfr04_role_trusts_one_service_account(bare_stack: BareStack) -> None:
    permissions = {"read": {"actions": ["s3:GetObject"], "resources": ["arn:a"]}}
    stack = bare_stack(
        lambda stack: WorkloadRole(
            stack,
            "role",
            name="langfuse-langfuse",
            oidc_provider_arn="arn:provider",
            service_accounts=["langfuse:langfuse"],
            permissions=permissions,
        )
    )
    role = stack.module(IRSA)
    assert role["name"] == "langfuse-langfuse"
    assert role["oidc_providers"] == {
        "cluster": {
            "provider_arn": "arn:provider",
            "namespace_service_accounts": ["langfuse:langfuse"],
        }
    }
    assert role["permissions"] == permissions
    assert "policies" not in role
    assert stack.outputs["arn"]["value"] == f"${{{stack.module_address(IRSA)}.arn}}"


def test_managed_policies_are_attached(bare_stack: BareStack) -> None:
    role = bare_stack(
        lambda stack: WorkloadRole(
            stack,
            "role",
            name="r",
            oidc_provider_arn="arn:provider",
            service_accounts=["a:b"],
            policy_arns={"one": "arn:policy"},
        )
    ).module(IRSA)
    assert role["policies"] == {"one": "arn:policy"}
    assert "permissions" not in role
