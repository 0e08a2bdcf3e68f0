"""Destroys in the wrong order: refused before anything is deleted, or completed; no deadlock."""

import re

import pytest

from constructs_lib.destroy_order import PVC_NAMESPACE
from contracts import STACKS
from in_cluster.names import NAMESPACE
from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import Environment
from tests.rehearsal.stand_ins.aws import REGION
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import wait_for_all_pods

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

LET_GO = re.compile(
    r"uv run terraform (-chdir=\S+ state rm helm_release\.langfuse helm_release\.langfuse-backup)\n"
    r" +uv run terraform (-chdir=\S+ destroy -refresh=false)"
)


def make_volume(environment: Environment) -> str:
    """Make the volume that the EBS driver makes for a claim; the simulated nodes have no driver."""
    tags = {"Project": "langfuse", PVC_NAMESPACE: NAMESPACE}
    volume: str = environment.aws.client("ec2").create_volume(
        AvailabilityZone=f"{REGION}a",
        Size=20,
        TagSpecifications=[
            {
                "ResourceType": "volume",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )["VolumeId"]
    return volume


def test_everything_is_deployed(environment: Environment, plane: ControlPlane) -> None:
    """All three stacks are deployed."""
    for stack in STACKS:
        environment.installation.deploy(stack)
    wait_for_all_pods(plane)


def test_network_first_is_refused(environment: Environment) -> None:
    """Destroy of network fails, names app and deps, and deletes nothing."""
    volume, before = make_volume(environment), environment.left_over()
    said = " ".join(environment.installation.destroy("network", status=1).split())
    assert f"Run cdktf destroy app first: its volumes are still there: {volume}" in said
    assert "Run cdktf destroy deps first: its database is still there: langfuse" in said
    assert sorted({*before, f"ec2 volume {volume}"}) == environment.left_over()
    environment.aws.client("ec2").delete_volume(VolumeId=volume)


def test_app_is_destroyed_without_the_outputs_of_network(
    environment: Environment, plane: ControlPlane
) -> None:
    """The failed destroy deleted network's outputs; app finds the cluster, and is destroyed."""
    assert environment.cloud.state("langfuse-network")["outputs"] == {}
    environment.installation.destroy("app")
    assert "pod/" not in " ".join(plane.left_in(NAMESPACE))


def test_network_publishes_again(environment: Environment, plane: ControlPlane) -> None:
    """Deploy of network recreates the check only, and publishes again; app deploys."""
    said = environment.installation.deploy("network")
    assert re.search(r"Plan: [01] to add, 0 to change, 0 to destroy", said), said
    environment.installation.deploy("app")
    wait_for_all_pods(plane)


def test_deps_is_destroyed_before_app(environment: Environment) -> None:
    """Destroy of deps before app succeeds; the database leaves a final snapshot."""
    environment.installation.destroy("deps")
    assert len(environment.snapshots()) == 1
    assert environment.databases() == []


def test_network_is_destroyed_under_app(environment: Environment) -> None:
    """With no volume left to detect app by, destroy of network succeeds."""
    environment.installation.destroy("network")
    assert [name for name in environment.left_over() if name.startswith(("eks ", "ec2 "))] == []


def test_app_is_removed_from_its_state(environment: Environment) -> None:
    """Without a cluster, destroy of app names network; the documented commands clear its state."""
    said = environment.installation.destroy("app", status=1)
    assert "network-is-not-deployed.invalid" in said, said[-4000:]
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    commands = LET_GO.search(page)
    assert commands
    forget, destroy = commands.groups()
    environment.installation.run("terraform", *forget.split())
    environment.installation.run("terraform", *destroy.split(), "-auto-approve")
    assert environment.cloud.state("langfuse-app").get("resources", []) == []
    assert environment.left_over_besides_retained() == []
