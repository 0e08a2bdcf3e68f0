"""An installation whose runs move to Terraform Cloud and back again."""

from typing import Any

import pytest

from tests.rehearsal.stage import Stage

pytestmark = pytest.mark.rehearsal

WORKSPACES = ("langfuse-network", "langfuse-deps", "langfuse-app")
REPOSITORY = "https://langfuse.github.io/langfuse-k8s"
RUNS_ENTRY = {
    "module.eks.aws_eks_access_entry.this.runs",
    "module.eks.aws_eks_access_policy_association.this.runs_admin",
}


def deploy_workspaces(stage: Stage) -> str:
    command = stage.installation.cdktf("deploy", "workspaces")
    return stage.installation.run("env", "TF_FORCE_LOCAL_BACKEND=1", *command)


def resources(stage: Stage, stack: str) -> dict[str, Any]:
    """Return the attributes of all that a state manages, by address."""
    return {
        ".".join(
            part
            for part in (
                resource.get("module", ""),
                resource["type"],
                resource["name"],
                str(instance.get("index_key", "")),
            )
            if part
        ): instance["attributes"]
        for resource in stage.cloud.state(f"langfuse-{stack}")["resources"]
        if resource["mode"] == "managed"
        for instance in resource["instances"]
    }


def test_deploys_on_this_machine(stage: Stage) -> None:
    """Network and deps are deployed from the user's machine, as ever."""
    stage.installation.change_env(LANGFUSE_CHART=REPOSITORY)
    stage.installation.deploy("network")
    stage.installation.deploy("deps")


def test_workspaces_are_taken_over(stage: Stage) -> None:
    """The two workspaces that exist are taken over with their state, the third one is made.

    Cannot prove: that AWS takes the tokens of Terraform Cloud.
    """
    before = {each: stage.cloud.state(each) for each in WORKSPACES[:2]}
    stage.installation.change_env(TERRAFORM_CLOUD_RUNS="remote", TF_FORCE_LOCAL_BACKEND="")
    said = deploy_workspaces(stage)
    assert "2 imported" in said
    assert {each: stage.cloud.state(each) for each in WORKSPACES[:2]} == before
    for workspace in WORKSPACES:
        attributes = stage.cloud.attributes(workspace)
        assert attributes["execution-mode"] == "remote"
        assert attributes["auto-apply-run-trigger"] is True
        assert attributes["terraform-version"] == "1.11.4"
    assert stage.cloud.attributes("langfuse-workspaces")["execution-mode"] == "local"
    stage.installation.assert_nothing_to_do("workspaces")


def test_nfr01_no_secret_is_in_the_state_of_workspaces(stage: Stage) -> None:
    """The password is a sensitive variable of one workspace, and in no state."""
    ...


def test_move_to_terraform_cloud_changes_nothing(stage: Stage) -> None:
    """The first remote runs let the role of the runs into the cluster, and change nothing else."""
    network, deps = resources(stage, "network"), resources(stage, "deps")
    said = stage.installation.deploy("network")
    assert "Running apply in the remote backend" in said
    moved = resources(stage, "network")
    assert set(moved) - set(network) == RUNS_ENTRY
    assert {address: moved[address] for address in network} == network
    said = stage.installation.deploy("deps")
    assert "No changes." in said
    assert resources(stage, "deps") == deps
