"""To a ClickHouse of the user's own and back, on a running installation with a control plane.

Data are counted in `test_own_clickhouse_data`. Nothing runs in a simulated pod, so the init
container and the Jobs of a destroy complete by themselves.
"""

import json

import pytest

from in_cluster.names import BACKUP, CLICKHOUSE, CLICKHOUSE_CLAIM, LAST_BACKUP, NAMESPACE, RELEASE
from in_cluster.own_clickhouse_values import WAIT_CONTAINER
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import items, ready_pods, wait_for_all_pods
from tests.rehearsal.test_last_backup import made, status
from tests.rehearsal.test_major_plan import pods, words

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

PASSWORD = "not-printed/own:$"  # noqa: S105 - of no server
OWN = {
    "CLICKHOUSE_URL": "https://clickhouse.example.com:8443",
    "CLICKHOUSE_PASSWORD": PASSWORD,
    "TF_VAR_clickhouse_password": PASSWORD,
}


def set_own(environment: Environment) -> None:
    """Set the variables of a ClickHouse of the user's own."""
    environment.installation.change_env(**OWN)


def unset_own(environment: Environment) -> None:
    """Comment them out again."""
    environment.installation.change_env(**dict.fromkeys(OWN))


def add_volume(environment: Environment) -> str:
    """Make the volume of ClickHouse's claim, as the EBS CSI driver does; nobody else does here."""
    tags = {
        "Project": "langfuse",
        "kubernetes.io/created-for/pvc/namespace": NAMESPACE,
        "kubernetes.io/created-for/pvc/name": CLICKHOUSE_CLAIM,
    }
    made = environment.aws.client("ec2").create_volume(
        AvailabilityZone="us-east-1a",
        Size=20,
        TagSpecifications=[
            {
                "ResourceType": "volume",
                "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
            }
        ],
    )
    volume: str = made["VolumeId"]
    return volume


def wait_for_three_pods(plane: ControlPlane) -> None:
    """Wait until web, worker and Redis are ready, and no other pod is there."""
    wait_until(lambda: sorted(ready_pods(plane)) == ["redis", "web", "worker"])


@pytest.fixture(scope="module")
def of_network(environment: Environment) -> list[str]:
    """Stand in for network, and return what that has made."""
    environment.stand_in_for_network()
    return environment.left_over()


@pytest.mark.usefixtures("of_network")
def test_in_the_cluster(environment: Environment, plane: ControlPlane) -> None:
    """Deps and app are deployed with ClickHouse in the cluster, as by default."""
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_for_all_pods(plane)


def test_switch_in_place_is_refused(environment: Environment, plane: ControlPlane) -> None:
    """With CLICKHOUSE_URL, the plan of app is refused with the commands; no pod has changed."""
    before = pods(plane)
    set_own(environment)
    environment.installation.deploy("deps")
    said = environment.installation.deploy("app", status=1)
    assert "this deploy would delete its volume without a last backup" in words(said)
    assert "uv run npx cdktf destroy app" in words(said)
    assert PASSWORD not in said
    assert pods(plane) == before
    assert [each["metadata"]["name"] for each in items(plane, "cronjobs")] == [BACKUP]


def test_destroy_makes_the_last_backup(environment: Environment, plane: ControlPlane) -> None:
    """The destroy runs the Job of the ClickHouse that is there, although .env names another.

    Cannot prove: that the Job backs up; `test_backups` runs its program.
    """
    (release,) = environment.in_state("app", "helm_release.langfuse-backup")
    assert "BACKUPS_URL" in json.dumps(release)
    # After the deploy of deps with CLICKHOUSE_URL.
    assert "/clickhouse/*" in json.dumps(environment.in_state("deps", "aws_iam"))
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert made(plane, LAST_BACKUP) == 1


def test_volume_that_is_left_is_refused_too(environment: Environment) -> None:
    """After a destroy there are no outputs: a volume of the claim alone has the plan refused."""
    volume = add_volume(environment)
    said = environment.installation.deploy("app", status=1)
    assert "would delete its volume without a last backup" in words(said)
    environment.aws.client("ec2").delete_volume(VolumeId=volume)


def test_there(environment: Environment, plane: ControlPlane) -> None:
    """The deploy makes web, worker and Redis, which wait for the server; nothing of ClickHouse.

    A second plan of deps and app has no changes.

    Cannot prove: that Langfuse reaches a server, and migrates there.
    """
    environment.installation.deploy("app")
    wait_for_three_pods(plane)
    kinds = (
        "statefulsets,services,configmaps,serviceaccounts,persistentvolumeclaims,networkpolicies"
    )
    names = {each["metadata"]["name"] for each in items(plane, kinds)}
    assert [name for name in names if CLICKHOUSE in name] == []
    assert items(plane, "cronjobs,jobs") == []
    for deployment in items(plane, "deployments"):
        spec = deployment["spec"]["template"]["spec"]
        assert [each["name"] for each in spec["initContainers"]] == [WAIT_CONTAINER]
        env = {each["name"]: each.get("value") for each in spec["containers"][0]["env"]}
        assert env["CLICKHOUSE_URL"] == OWN["CLICKHOUSE_URL"]
        assert env["CLICKHOUSE_MIGRATION_URL"] == "clickhouse://clickhouse.example.com:9440"
        assert (env["CLICKHOUSE_MIGRATION_SSL"], env["CLICKHOUSE_CLUSTER_ENABLED"]) == (
            "true",
            "false",
        )
    environment.installation.assert_nothing_to_do("deps", "app")


def test_password_is_in_no_state_and_restarts_the_pods(
    environment: Environment, plane: ControlPlane
) -> None:
    """The Secret has the password, no state has it, and another one restarts web and worker."""
    before = pods(plane)
    for stack in ("deps", "app"):
        assert PASSWORD not in json.dumps(environment.cloud.state(f"langfuse-{stack}"))
    other = f"{PASSWORD}-2"
    environment.installation.change_env(CLICKHOUSE_PASSWORD=other, TF_VAR_clickhouse_password=other)
    environment.installation.deploy("app")
    wait_for_three_pods(plane)
    wait_until(lambda: len(set(pods(plane)) & set(before)) == 1)
    environment.installation.assert_nothing_to_do("app")


def test_destroy_drains_the_queues(environment: Environment, plane: ControlPlane) -> None:
    """A destroy runs the Job that drains, and leaves no object behind; a deploy makes all again."""
    begun = made(plane, LAST_BACKUP)
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert made(plane, LAST_BACKUP) == begun + 1
    environment.installation.apply("app")
    wait_for_three_pods(plane)


def test_back_in_place(environment: Environment, plane: ControlPlane) -> None:
    """Without the variables, deploys of deps and app bring ClickHouse back, in place, with backups.

    A second plan has no changes.
    """
    unset_own(environment)
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    assert status(plane, RELEASE) == status(plane, BACKUP) == "deployed"
    assert [each["metadata"]["name"] for each in items(plane, "cronjobs")] == [BACKUP]
    environment.installation.assert_nothing_to_do("deps", "app")


def test_nothing_is_left(
    environment: Environment, plane: ControlPlane, of_network: list[str]
) -> None:
    """Both stacks are destroyed, and what is left is what a destroy retains."""
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    environment.installation.destroy("deps")
    assert sorted(environment.left_over_besides_retained()) == sorted(of_network)
