"""From Langfuse 3 to 4 and back, on a control plane: refused without a way back, then one life.

ClickHouse's half is `test_major`. Nothing runs in a simulated pod: a stand-in of kubectl answers
upgrade.py, and steps write what the Jobs would.
"""

import json
import shlex
import sys
from http.server import ThreadingHTTPServer

import pytest

from backing_up import way_back
from in_cluster.names import INSTANCE_LABEL, LANGFUSE_OBJECT, NAMESPACE, RELEASE, WAY_BACK_OBJECT
from tests.helpers.kubectl import Kubectl
from tests.helpers.serving import serving
from tests.rehearsal.environment import BUCKET, Environment, wait_until
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import items, wait_for_all_pods
from tests.test_upgrading import CRON, DONE, GIGABYTE, Web

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

BACKUP = "20261125T101112Z"
MAKE_BACKUP = f"""
import boto3
s3 = boto3.client("s3")
for file in ("langfuse", ".backup"):
    s3.put_object(Bucket="{BUCKET}", Key=f"clickhouse/{BACKUP}/{{file}}", Body=b"3.225.11")
"""


def read(environment: Environment, key: str) -> str:
    """Return the text of an object."""
    found = environment.aws.client("s3").get_object(Bucket=BUCKET, Key=key)
    text: str = found["Body"].read().decode()
    return text


def data_are_of(environment: Environment, version: str) -> None:
    """Write what the Job after a deploy writes."""
    environment.aws.client("s3").put_object(
        Bucket=BUCKET, Key=LANGFUSE_OBJECT, Body=version.encode(), ContentType="text/plain"
    )


def major(environment: Environment) -> object:
    """Return the major version that app's state says."""
    return environment.cloud.state("langfuse-app")["outputs"]["langfuse_major"]["value"]


def pods(plane: ControlPlane) -> list[str]:
    """Return the ids of Langfuse's pods, without Jobs and what a deploy has replaced."""
    found = items(plane, "pods", "-l", f"{INSTANCE_LABEL}={RELEASE}")
    return sorted(
        pod["metadata"]["uid"] for pod in found if "deletionTimestamp" not in pod["metadata"]
    )


def words(said: str) -> str:
    """Return what a refused deploy says on one line: Terraform frames and wraps its messages."""
    return " ".join(said.replace("│", " ").replace("\u2577", " ").split())


def test_3_is_deployed(environment: Environment, plane: ControlPlane) -> None:
    """Deps and app are deployed with Langfuse 3; a second plan of app has no changes."""
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    data_are_of(environment, "3.225.11\n")
    assert major(environment) == "3"
    environment.installation.assert_nothing_to_do("app")


def test_4_is_refused_without_a_way_back(environment: Environment, plane: ControlPlane) -> None:
    """With LANGFUSE_MAJOR=4, the plan of app is refused with the command; nothing has changed."""
    before = pods(plane)
    environment.installation.change_env(LANGFUSE_MAJOR="4")
    said = words(environment.installation.deploy("app", status=1))
    assert "Langfuse 3 does not start with them afterwards" in said
    assert "uv run upgrade.py" in said
    assert pods(plane) == before
    assert major(environment) == "3"


def test_upgrade_makes_the_way_back(environment: Environment) -> None:
    """`upgrade.py` backs up both halves and marks them; `backups.py` shows both.

    Cannot prove: what it asks of Langfuse and ClickHouse, which do not run; how long RDS takes.
    """
    environment.installation.change_env(LANGFUSE_MAJOR="3")
    kubectl = Kubectl(environment.installation.home / "bin")
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Web)) as web:
        kubectl.forward("svc/langfuse-web", web.server_address[1])
        kubectl.rule("*exec?deployment/langfuse-worker*", "echo '[]'")
        kubectl.rule("*exec?pod/langfuse-clickhouse-0*", f"echo '{9 * GIGABYTE} {3 * GIGABYTE}'")
        kubectl.answer("*get?cronjobs*", {"items": [CRON]})
        kubectl.rule("*create?job*", f"{sys.executable} -c {shlex.quote(MAKE_BACKUP)}")
        kubectl.answer("*get?job/*", DONE)
        said = environment.installation.run("python", "upgrade.py", "--kubeconfig", "none")
    (environment.installation.home / "bin" / "kubectl").unlink()
    assert "marked    way back to Langfuse 3" in said
    backup, snapshot, version, _ = read(environment, WAY_BACK_OBJECT).split()
    assert (backup, version) == (BACKUP, "3.225.11")
    assert environment.snapshots() == [snapshot]
    listed = environment.installation.backups()
    assert listed.count(way_back.REMARK) == 2


def test_4_is_accepted_with_a_way_back(environment: Environment, plane: ControlPlane) -> None:
    """The deploy then changes Langfuse and ClickHouse to those of 4; a second plan has no changes.

    Cannot prove: that Langfuse 4 migrates the data, and runs.
    """
    environment.installation.change_env(LANGFUSE_MAJOR="4")
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    data_are_of(environment, "4.53.0\n")
    assert major(environment) == "4"
    images = json.dumps(items(plane, "deployments,statefulsets"))
    assert "langfuse/langfuse:4.53.0" in images
    assert "clickhouse-server:26.8.19.9" in images
    environment.installation.assert_nothing_to_do("app")


def test_3_is_refused_after_4(environment: Environment, plane: ControlPlane) -> None:
    """With LANGFUSE_MAJOR=3 again, the plan of app is refused with the commands of the way back.

    `upgrade.py --back` is refused as long as the database of 4 is there.
    """
    before = pods(plane)
    environment.installation.change_env(LANGFUSE_MAJOR="3")
    said = words(environment.installation.deploy("app", status=1))
    assert "Set LANGFUSE_MAJOR=4 in .env, or go back" in said
    assert "uv run upgrade.py --back" in said
    assert pods(plane) == before
    said = environment.installation.run("python", "upgrade.py", "--back", status=1)
    assert "the database langfuse is still there" in said
    assert len(environment.snapshots()) == 1


def test_destroy_is_never_refused(environment: Environment, plane: ControlPlane) -> None:
    """App is destroyed with either LANGFUSE_MAJOR; a deploy of 3 is refused by what S3 has."""
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    said = words(environment.installation.deploy("app", status=1))
    assert "uv run upgrade.py --back" in said
    assert plane.left_in(NAMESPACE) == []
    environment.installation.destroy("deps")
    assert len(environment.snapshots()) == 2


def test_back_to_3(environment: Environment, plane: ControlPlane) -> None:
    """After `upgrade.py --back`, run twice, the database comes from the copy, and 3 is deployed."""
    marked = read(environment, WAY_BACK_OBJECT).split()[1]
    for _ in range(2):
        said = environment.installation.run("python", "upgrade.py", "--back")
        assert "Set LANGFUSE_MAJOR=3 in .env" in said
    (copy, *others) = environment.snapshots()
    assert copy.startswith(f"{marked}-")
    assert len(others) == 2
    assert read(environment, "clickhouse/chosen") == f"{BACKUP}\n"
    environment.installation.deploy("deps")
    assert environment.database_in_state()["snapshot_identifier"] == copy
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    assert major(environment) == "3"
    environment.installation.assert_nothing_to_do("app", "deps")
