"""RemoteWorkspace: a workspace of Terraform Cloud that runs Terraform itself."""

import pytest
from cdktf import TerraformStack

from constructs_lib.remote_workspace import RemoteWorkspace
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


def workspace(stack: TerraformStack, id_: str) -> RemoteWorkspace:
    return RemoteWorkspace(
        stack,
        id_,
        name=f"langfuse-{id_}",
        organization="acme",
        terraform_version="1.11.4",
        existing_ids="local.ids",
    )


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> RemoteWorkspace:
        network, deps = workspace(stack, "network"), workspace(stack, "deps")
        network.share_with([deps])
        deps.run_after(network)
        deps.set_environment(SOME="thing")
        deps.set_input(region="us-east-1")
        deps.set_secret_input(password="${var.password}")  # noqa: S106 - a reference
        stack.add_override("import", [network.import_block])
        return deps

    return bare_stack(make)


def test_plans_wait_for_an_approval(stack: Stack) -> None:
    found = stack.resource("tfe_workspace", "network")
    assert (found["name"], found["organization"]) == ("langfuse-network", "acme")
    assert found["terraform_version"] == "1.11.4"
    assert found["auto_apply"] is False
    assert found["auto_apply_run_trigger"] is False


def test_workspace_with_resources_is_not_deleted(stack: Stack) -> None:
    assert stack.resource("tfe_workspace", "network")["force_delete"] is False


def test_existing_workspace_is_imported(stack: Stack) -> None:
    (block,) = stack.json["import"]
    assert block["to"] == "tfe_workspace.network"
    assert block["id"] == "${each.value}"
    wanted = 'for each, id in local.ids : each => id if each == "langfuse-network"'
    assert block["for_each"] == f"${{{{ {wanted} }}}}"


def test_state_is_shared_with_its_readers_only(stack: Stack) -> None:
    settings = stack.resource("tfe_workspace_settings", "network")
    assert settings["execution_mode"] == "remote"
    assert settings["global_remote_state"] is False
    assert settings["remote_state_consumer_ids"] == ["${tfe_workspace.deps.id}"]


def test_run_follows_a_run_of_its_source(stack: Stack) -> None:
    trigger = stack.resource("tfe_run_trigger", "deps")
    assert trigger["sourceable_id"] == "${tfe_workspace.network.id}"
    assert trigger["workspace_id"] == "${tfe_workspace.deps.id}"


def test_nfr01_secret_input_is_write_only(stack: Stack) -> None:
    variables = stack.json["resource"]["tfe_variable"]
    assert {name: each["category"] for name, each in variables.items()} == {
        "deps_SOME": "env",
        "deps_region": "terraform",
        "deps_password": "terraform",
    }
    password = variables["deps_password"]
    assert password["sensitive"] is True
    assert password["value_wo"] == "${var.password}"
    assert "value" not in password
    assert "sensitive" not in variables["deps_region"]
