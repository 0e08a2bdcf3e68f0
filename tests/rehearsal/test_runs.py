"""An installation whose Terraform runs move to Terraform Cloud and back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts import STACKS
from in_cluster.names import LAST_BACKUP
from tests.rehearsal.environment import (
    CHARTS,
    MAIL,
    MAIL_URL,
    PASSWORD,
    Environment,
    wait_until,
)
from tests.rehearsal.stand_ins.chart_repository import ChartRepository
from tests.rehearsal.stand_ins.cloud_run import Run
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import wait_for_all_pods
from tests.rehearsal.test_last_backup import made

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

# The role of the runs may administer the cluster: all that a move adds.
ENTRY = {
    "module.eks.aws_eks_access_entry.this.runs",
    "module.eks.aws_eks_access_policy_association.this.runs_admin",
}
ENDED = {"applied", "discarded", "planned_and_finished", "errored"}
WORKSPACES = [f"tfe_workspace.{stack}" for stack in STACKS]


def deploy_workspaces(environment: Environment) -> str:
    """Deploy as the first time, when its workspace still has the organization's default."""
    command = environment.installation.cdktf("deploy", "workspaces")
    return environment.installation.run("env", "TF_FORCE_LOCAL_BACKEND=1", *command)


def resources(environment: Environment, stack: str) -> dict[str, Any]:
    """Return the ids of all that a state manages, by address."""
    found = {}
    for resource in environment.cloud.state(f"langfuse-{stack}")["resources"]:
        if resource["mode"] == "managed":
            parts = [resource.get("module"), resource["type"], resource["name"]]
            for each in resource["instances"]:
                address = [*parts, each.get("index_key")]
                name = ".".join(str(part) for part in address if part is not None)
                found[name] = each["attributes"].get("id", each["attributes"].get("hex"))
    return found


def triggered(environment: Environment) -> list[Run]:
    """Return the runs that other runs started, all of which have ended."""
    found = [run for run in environment.cloud.runs.all if run.triggered_by]
    wait_until(lambda: all(run.status in ENDED for run in found))
    return found


@pytest.fixture(scope="module")
def charts(mirror: Path) -> Iterator[str]:
    """Serve the mirror's charts, which a run in Terraform Cloud cannot read as files."""
    with ChartRepository(mirror / "charts") as repository:
        yield repository.url


def test_deploys_on_this_machine(environment: Environment, charts: str) -> None:
    """Network and deps are deployed from the user's machine."""
    environment.installation.change_env(**dict.fromkeys(CHARTS, charts))
    environment.installation.add_extra_environment(MAIL, MAIL_URL)
    environment.installation.deploy("network")
    environment.installation.deploy("deps")


def test_deploys_app_on_this_machine(environment: Environment, plane: ControlPlane) -> None:
    """App is deployed from the user's machine, and becomes ready."""
    environment.installation.deploy("app")
    wait_for_all_pods(plane)


def test_workspaces_are_taken_over(environment: Environment) -> None:
    """Existing workspaces are imported with their state; a missing one is created."""
    before = environment.cloud.state("langfuse-network"), environment.cloud.state("langfuse-deps")
    existing = len(environment.cloud.workspaces)
    environment.installation.change_env(TERRAFORM_CLOUD_RUNS="remote", TF_FORCE_LOCAL_BACKEND="")
    said = deploy_workspaces(environment)
    assert f"{existing} imported" in said
    assert before == (
        environment.cloud.state("langfuse-network"),
        environment.cloud.state("langfuse-deps"),
    )
    for stack in STACKS:
        attributes = environment.cloud.attributes(f"langfuse-{stack}")
        assert attributes["execution-mode"] == "remote"
        assert attributes["terraform-version"] == "1.11.4"
    assert environment.cloud.attributes("langfuse-workspaces")["execution-mode"] == "local"
    environment.installation.assert_nothing_to_do("workspaces")


def test_nfr01_password_is_in_no_state(environment: Environment) -> None:
    """The password is a variable of app's workspace, and not in the state of workspaces.

    So is a secret environment variable.
    """
    for secret in (PASSWORD, MAIL_URL):
        assert secret in environment.cloud.variables("langfuse-app").values()
        assert json.dumps(secret)[1:-1] not in json.dumps(
            environment.cloud.state("langfuse-workspaces")
        )


def test_moving_to_terraform_cloud_changes_nothing(environment: Environment) -> None:
    """The first remote runs, without the user's key, add the run role's access entry only.

    Cannot prove: that AWS accepts Terraform Cloud's tokens, and what its machines have installed.
    """
    network, deps = resources(environment, "network"), resources(environment, "deps")
    said = environment.installation.deploy("network")
    assert "Running apply in the remote backend" in said
    assert "Plan: 2 to add, 0 to change, 0 to destroy." in said
    moved = resources(environment, "network")
    assert moved.keys() - network.keys() == ENTRY
    assert {address: moved[address] for address in network} == network
    assert triggered(environment) == []
    assert "No changes." in environment.installation.deploy("deps")
    assert resources(environment, "deps") == deps


@pytest.mark.usefixtures("plane")
def test_moving_app_to_terraform_cloud_shortens_its_last_backup(environment: Environment) -> None:
    """In a remote run, Helm logs in with a token instead of the AWS CLI, and finds our chart.

    The release with the backups gets shorter limits, and nothing else changes.
    """
    said = environment.installation.deploy("app")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in said
    # CDKTF rewrites the address: the other release's name is the beginning of this one's.
    assert 'resource "helm_release" "langfuse-backup"' in said


def test_first_install_in_terraform_cloud(environment: Environment, plane: ControlPlane) -> None:
    """Remote runs destroy app, with a last backup, and install it; no token is in the state.

    Cannot prove: that a first install ends before EKS's token expires.
    """
    assert made(plane, LAST_BACKUP) == 0
    environment.installation.destroy("app")
    assert made(plane, LAST_BACKUP) == 1
    wait_until(lambda: plane.left_in("langfuse") == [])
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    assert "k8s-aws-v1" not in json.dumps(environment.cloud.state("langfuse-app"))
    environment.installation.destroy("app")


def test_a_change_of_network_runs_deps(environment: Environment) -> None:
    """An applied change of network triggers a run of deps, which plans no changes."""
    environment.installation.change_env(CLUSTER_ALLOWED_CIDRS="203.0.113.7/32")
    environment.installation.deploy("network")
    wait_until(lambda: bool(triggered(environment)))
    (run,) = triggered(environment)
    assert (run.triggered_by, run.workspace.attributes["name"]) == (
        "langfuse-network",
        "langfuse-deps",
    )
    assert run.status == "planned_and_finished"


def test_a_declined_plan_is_not_applied_by_a_trigger(environment: Environment) -> None:
    """A declined change of deps stays uploaded; a run that network triggers only plans it.

    Cannot prove: that Terraform Cloud plans what was uploaded last, as this stand-in does.
    """
    environment.installation.change_env(DATABASE_STORAGE_GB="21")
    environment.installation.run("npx", "cdktf", "synth")
    folder = environment.installation.folder / "cdktf.out" / "stacks" / "deps"
    said = environment.installation.run(
        "sh", "-c", "echo no | terraform apply", status=1, cwd=folder
    )
    assert "allocated_storage" in said
    declined = environment.cloud.runs.all[-1]
    assert (declined.status, declined.confirmed_by) == ("discarded", None)
    environment.installation.change_env(CLUSTER_ALLOWED_CIDRS="203.0.113.8/32")
    environment.installation.deploy("network")
    wait_until(lambda: environment.cloud.runs.all[-1].waits)
    run = environment.cloud.runs.all[-1]
    assert (run.triggered_by, run.workspace.attributes["name"]) == (
        "langfuse-network",
        "langfuse-deps",
    )
    assert b"allocated_storage" in run.logs["plan"]
    assert run.confirmed_by is None
    assert environment.database_in_state()["allocated_storage"] == 20
    (database,) = environment.databases()
    assert database["AllocatedStorage"] == 20
    environment.cloud.runs.discard(run)
    environment.installation.change_env(DATABASE_STORAGE_GB="20")
    assert "No changes." in environment.installation.deploy("deps")


def test_state_that_is_not_shared_is_not_read(environment: Environment) -> None:
    """If network does not share its state, deps reports it; a deploy of workspaces restores it."""
    environment.cloud.share_with_nobody("langfuse-network")
    said = environment.installation.apply("deps", status=1)
    assert "publishes no vpc_id" in said
    assert "let it share its state with this workspace" in " ".join(said.split())
    environment.installation.apply("workspaces")
    assert "No changes." in environment.installation.apply("deps")


def test_workspaces_with_resources_are_not_deleted(environment: Environment) -> None:
    """Destroy of workspaces refuses to delete those with resources; a deploy recreates the rest."""
    before = environment.cloud.state("langfuse-network"), environment.cloud.state("langfuse-deps")
    said = environment.installation.destroy("workspaces", status=1)
    assert "resources under management" in " ".join(said.split())
    assert before == (
        environment.cloud.state("langfuse-network"),
        environment.cloud.state("langfuse-deps"),
    )
    deploy_workspaces(environment)
    environment.installation.assert_nothing_to_do("workspaces")


def test_moving_back_changes_nothing(environment: Environment) -> None:
    """With its workspaces removed from the state, destroy of workspaces deletes the rest.

    Local runs then change the role's access entry only.
    """
    before = {stack: resources(environment, stack) for stack in ("network", "deps")}
    environment.installation.terraform("workspaces", "state", "rm", *WORKSPACES)
    environment.installation.destroy("workspaces")
    environment.installation.change_env(TERRAFORM_CLOUD_RUNS="local", TF_FORCE_LOCAL_BACKEND="1")
    said = environment.installation.deploy("network")
    assert "Running apply in the remote backend" not in said
    assert "Plan: 0 to add, 0 to change, 2 to destroy." in said
    after = resources(environment, "network")
    assert after == {
        address: each for address, each in before["network"].items() if address not in ENTRY
    }
    environment.installation.deploy("deps")
    assert resources(environment, "deps") == before["deps"]
    assert [name for name in environment.left_over() if "terraform-cloud" in name] == []
