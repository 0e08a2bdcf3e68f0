"""An installation of 0.1.0 becomes one of today, with its data, and goes back."""

import json
from typing import Any, Final

import pytest
from packaging.version import Version

from contracts import DEPS, NETWORK, STACKS
from in_cluster.names import NAMESPACE
from tests.rehearsal.environment import BUCKET, Environment, wait_until
from tests.rehearsal.released import apply_plan, destroyed, place, synthesize
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.releases.kept import release

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

OLD: Final = release(Version("0.1.0"))
OBJECT: Final = "events/one.json"


@pytest.fixture(scope="module")
def before() -> dict[str, Any]:
    """Return what the first step finds, for the later ones to find again."""
    return {}


def stored(environment: Environment) -> dict[str, Any]:
    """Return everything that holds data, and the data that the stand-ins can hold."""
    (database,) = environment.databases()
    s3 = environment.aws.client("s3")
    return {
        "database": database["DbiResourceId"],
        "row": environment.rows_of(database["DBInstanceArn"]),
        "object": s3.get_object(Bucket=BUCKET, Key=OBJECT)["Body"].read(),
        "secrets": environment.application_secrets(),
        "password": environment.in_state("deps", "random_password")[0]["result"],
        "bucket": [each["Name"] for each in s3.list_buckets()["Buckets"]],
    }


def put_data_in(environment: Environment) -> None:
    """Put a row into the database and an object into the bucket."""
    environment.put_in_a_row("1")
    environment.aws.client("s3").put_object(Bucket=BUCKET, Key=OBJECT, Body=b"{}")


def pods(plane: ControlPlane) -> dict[str, str]:
    """Return the uid of each pod of Langfuse and its stores that is ready, by its name."""
    found = json.loads(plane.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
    return {
        pod["metadata"]["name"]: pod["metadata"]["uid"]
        for pod in found
        for condition in pod["status"].get("conditions", [])
        if (condition["type"], condition["status"]) == ("Ready", "True")
    }


def volumes(plane: ControlPlane) -> dict[str, str]:
    """Return the volume of each claim, by the name of the claim."""
    found = json.loads(plane.kubectl("get", "pvc", "-n", NAMESPACE, "-o", "json"))["items"]
    return {claim["metadata"]["name"]: claim["spec"]["volumeName"] for claim in found}


def test_the_release_is_deployed(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """The kept stacks of 0.1.0 deploy as they are, and get a row and an object.

    Cannot prove: that its images can still be pulled.
    """
    for stack in STACKS:
        place(environment, OLD, stack)
        environment.installation.apply(stack)
    wait_until(lambda: len(pods(plane)) == 4)
    put_data_in(environment)
    before |= {"stored": stored(environment), "pods": pods(plane), "volumes": volumes(plane)}


def test_network_and_deps_change_in_place(environment: Environment, before: dict[str, Any]) -> None:
    """Today's network and deps destroy and replace nothing that holds data, and find it all."""
    synthesize(environment, *STACKS)
    for stack in (NETWORK, DEPS):
        assert destroyed(environment, stack) == set()
        apply_plan(environment, stack)
    assert stored(environment) == before["stored"]
    environment.installation.assert_nothing_to_do(NETWORK, DEPS)


def test_app_is_refused_with_its_command(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """The break of 0.2.0 is refused by the plan, which names the command; nothing has changed."""
    said = environment.installation.apply("app", status=1)
    assert "Run cdktf destroy app, then cdktf deploy app" in " ".join(said.split())
    assert pods(plane) == before["pods"]
    assert volumes(plane) == before["volumes"]


def test_app_is_made_again(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """After the destroy and deploy that the page names, all is there, and no plan has changes.

    Cannot prove: that a replay brings back the traces of 0.1.0; `test_replay` has one.
    """
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    environment.installation.deploy("app")
    wait_until(lambda: len(pods(plane)) == 4)
    assert stored(environment) == before["stored"]
    environment.installation.assert_nothing_to_do(*STACKS)


def test_back_to_the_release(
    environment: Environment, plane: ControlPlane, before: dict[str, Any]
) -> None:
    """With app destroyed, the stacks of 0.1.0 deploy over today's, and have row and object.

    Its ClickHouse knows no backups and starts empty: a replay has to follow, as after 0.1.0's own
    destroy. Cannot prove: that Langfuse 3.225.11 reads what a later one has migrated.
    """
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    for stack in STACKS:
        place(environment, OLD, stack)
        assert destroyed(environment, stack) == set()
        apply_plan(environment, stack)
    wait_until(lambda: len(pods(plane)) == 4)
    assert stored(environment) == before["stored"]
