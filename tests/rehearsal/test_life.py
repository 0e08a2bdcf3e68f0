"""The whole life of an installation, step by step: each test goes on where the one before ended."""

import base64
import json
import re
from typing import Any, Final

import pytest

from tests.rehearsal.conftest import PASSWORD, Stage

pytestmark = pytest.mark.rehearsal

SECRETS: Final = "langfuse-application-secrets"
BUCKET: Final = "langfuse-123456789012-us-east-1"


def application_secrets(stage: Stage) -> str:
    value: str = stage.aws.client("secretsmanager").get_secret_value(SecretId=SECRETS)[
        "SecretString"
    ]
    return value


def snapshots(stage: Stage) -> list[str]:
    """Return the final snapshots, the newest first."""
    found = stage.aws.client("rds").describe_db_snapshots(SnapshotType="manual")["DBSnapshots"]
    found.sort(key=lambda snapshot: snapshot["SnapshotCreateTime"], reverse=True)
    return [snapshot["DBSnapshotIdentifier"] for snapshot in found]


def resource(state: dict[str, Any], kind: str) -> dict[str, Any]:
    (instance,) = [
        instance
        for each in state["resources"]
        if each["type"] == kind and each["mode"] == "managed"
        for instance in each["instances"]
    ]
    attributes: dict[str, Any] = instance["attributes"]
    return attributes


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    """Return what one cycle hands to the next."""
    return {}


def test_deps_before_network_stops_and_creates_nothing(stage: Stage) -> None:
    said = stage.installation.deploy("deps", status=1)
    assert "There is no workspace langfuse-network. Run cdktf deploy network first." in said
    assert stage.left_over() == []
    stage.progress.done("deps before network: refused")


def test_fr18_network_and_deps_deploy_on_workspaces_made_on_the_way(
    stage: Stage, kept: dict[str, Any]
) -> None:
    for stack in ("network", "deps"):
        stage.installation.deploy(stack)
        assert stage.cloud.attributes(f"langfuse-{stack}")["execution-mode"] == "remote"
        stage.progress.done(f"deploy {stack}")
    secrets = json.loads(application_secrets(stage))
    assert set(secrets) == {"salt", "encryption_key", "nextauth_secret"}
    assert all(re.fullmatch("[0-9a-f]{64}", value) for value in secrets.values())
    database = resource(stage.cloud.state("langfuse-deps"), "aws_db_instance")
    assert database["snapshot_identifier"] is None
    kept["secrets"] = application_secrets(stage)
    kept["final"] = database["final_snapshot_identifier"]


def test_fr29_second_deploy_changes_nothing(stage: Stage) -> None:
    for stack in ("network", "deps"):
        stage.installation.assert_nothing_to_do(stack)
        stage.progress.done(f"plan {stack}: no change")


def test_fr10_release_becomes_ready_and_leaves_nothing(stage: Stage) -> None:
    plane = stage.control_plane
    if plane is None:
        pytest.skip("no control plane: etcd, Kubernetes, kwok or the AWS CLI is not on PATH")
    stage.installation.deploy("app")
    stage.installation.assert_nothing_to_do("app")
    pods = json.loads(plane.kubectl("get", "pods", "-n", "langfuse", "-o", "json"))["items"]
    nodes = {pod["metadata"]["name"].split("-")[1]: pod["spec"]["nodeName"] for pod in pods}
    assert sorted(nodes) == ["clickhouse", "redis", "web", "worker"]
    assert {pod["status"]["phase"] for pod in pods} == {"Running"}
    assert nodes["web"] == nodes["worker"] != nodes["clickhouse"] == nodes["redis"]
    for service in ("langfuse-web", "langfuse-clickhouse", "langfuse-redis-primary"):
        plane.kubectl("get", "service", service, "-n", "langfuse")
        slices = plane.kubectl(
            "get",
            "endpointslices",
            "-n",
            "langfuse",
            "-l",
            f"kubernetes.io/service-name={service}",
            "-o",
            "jsonpath={.items[*].endpoints[*].addresses}",
        )
        assert slices, service
    data = json.loads(
        plane.kubectl("get", "secret", "langfuse-secrets", "-n", "langfuse", "-o=json")
    )
    assert base64.b64decode(data["data"]["admin-password"]).decode() == PASSWORD
    assert PASSWORD not in json.dumps(stage.cloud.state("langfuse-app"))
    stage.progress.done("deploy app")
    stage.installation.destroy("app")
    left = plane.kubectl("get", "pods,pvc,pv", "-n", "langfuse", "-o", "name").split()
    assert [name for name in left if not name.startswith("pod/")] == []
    stage.progress.done("destroy app: no claim, no volume")


def put_in_a_row(stage: Stage, row: str) -> None:
    """Tag the database: its snapshots carry the tag, as they would carry a row."""
    rds = stage.aws.client("rds")
    (database,) = rds.describe_db_instances()["DBInstances"]
    rds.add_tags_to_resource(
        ResourceName=database["DBInstanceArn"], Tags=[{"Key": "Row", "Value": row}]
    )


def row_in_newest_snapshot(stage: Stage) -> str:
    rds = stage.aws.client("rds")
    (newest,) = rds.describe_db_snapshots(DBSnapshotIdentifier=snapshots(stage)[0])["DBSnapshots"]
    tags = rds.list_tags_for_resource(ResourceName=newest["DBSnapshotArn"])["TagList"]
    row: str = next(tag["Value"] for tag in tags if tag["Key"] == "Row")
    return row


def test_fr09_data_is_put_in(stage: Stage) -> None:
    put_in_a_row(stage, "1")
    stage.aws.client("s3").put_object(Bucket=BUCKET, Key="events/one.json", Body=b"{}")


@pytest.mark.parametrize("cycle", [1, 2])
def test_fr28_destroy_leaves_the_named_survivors_and_a_rebuild_finds_them(
    stage: Stage, kept: dict[str, Any], cycle: int
) -> None:
    for stack in ("deps", "network"):
        stage.installation.destroy(stack)
        stage.progress.done(f"cycle {cycle}: destroy {stack}")
    newest, *older = snapshots(stage)
    assert newest == kept["final"]
    assert len(older) == cycle - 1
    assert row_in_newest_snapshot(stage) == str(cycle)
    assert [name for name in stage.left_over() if not is_survivor(name)] == []
    assert application_secrets(stage) == kept["secrets"]
    objects = stage.aws.client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]
    assert [each["Key"] for each in objects] == ["events/one.json"]

    for stack in ("network", "deps"):
        stage.installation.deploy(stack)
        stage.progress.done(f"cycle {cycle}: deploy {stack}")
        stage.installation.assert_nothing_to_do(stack)
    database = resource(stage.cloud.state("langfuse-deps"), "aws_db_instance")
    assert database["snapshot_identifier"] == newest
    assert database["final_snapshot_identifier"] not in {newest, *older}
    assert application_secrets(stage) == kept["secrets"]
    kept["final"] = database["final_snapshot_identifier"]
    put_in_a_row(stage, str(cycle + 1))
    stage.progress.done(f"cycle {cycle}: restored from the newest snapshot, no change to plan")


def is_survivor(name: str) -> bool:
    """Tell whether this is what ADR 4 says survives."""
    return bool(re.search(rf"{BUCKET}|{SECRETS}|final-langfuse-[0-9a-f]{{8}}", name))
