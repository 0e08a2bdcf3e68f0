"""The release as `pytest -m images` has it on kind, on a control plane: what it would apply."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from in_cluster.names import NAMESPACE
from tests.images import postgresql
from tests.images.for_kind import EBS, Cluster
from tests.images.release import Release
from tests.rehearsal.environment import BUCKET, Environment, wait_until
from tests.rehearsal.stand_ins.aws import KEY
from tests.rehearsal.stand_ins.control_plane import ControlPlane

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

S3 = "http://172.18.0.1:5000"


@pytest.fixture(scope="module")
def release(environment: Environment) -> Iterator[Release | None]:
    """Yield the release, with the volumes of the simulated driver in place of kind's."""
    if environment.control_plane is None:
        yield None
        return
    cluster = Cluster(environment.control_plane.kubeconfig, S3, KEY, KEY, provisioner=EBS)
    release = Release(environment, cluster)
    release.prepare()
    yield release


def found(plane: ControlPlane, *what: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(plane.kubectl("get", *what, "-o", "json"))
    return document


def test_postgresql_is_accepted(plane: ControlPlane) -> None:
    """The control plane takes PostgreSQL's manifests, and its pod becomes ready.

    Cannot prove: that the image starts with its key and refuses connections without TLS.
    """
    plane.kubectl("apply", "--filename=-", manifest=postgresql.manifests())
    where = (f"--namespace={postgresql.NAMESPACE}", "--timeout=120s")
    plane.kubectl("rollout", "status", f"deployment/{postgresql.NAME}", *where)


def test_release_is_deployed(plane: ControlPlane, release: Release) -> None:
    """Terraform installs both releases with the cluster's own login, and all pods become ready.

    Cannot prove: that images can be pulled and their programs reach S3 and PostgreSQL.
    """
    release.deploy()
    release.environment.installation.assert_nothing_to_do("app")
    pods = found(plane, "pods", f"--namespace={NAMESPACE}")["items"]
    assert len([each for each in pods if each["status"]["phase"] == "Running"]) == 4


def test_langfuse_is_told_of_the_endpoint(plane: ControlPlane, release: Release) -> None:
    """Web and worker have endpoint, key and path style of S3 for all uploads, and the database.

    Cannot prove: that Langfuse reads them as its documentation says.
    """
    assert release
    for name in ("langfuse-web", "langfuse-worker"):
        deployment = found(plane, "deployment", name, f"--namespace={NAMESPACE}")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        for upload in ("EVENT_UPLOAD", "MEDIA_UPLOAD", "BATCH_EXPORT"):
            wanted = {
                "BUCKET": BUCKET,
                "ENDPOINT": S3,
                "ACCESS_KEY_ID": KEY,
                "SECRET_ACCESS_KEY": KEY,
                "FORCE_PATH_STYLE": "true",
            }
            given = {key: variables[f"LANGFUSE_S3_{upload}_{key}"] for key in wanted}
            assert given == wanted
        assert variables["DATABASE_HOST"] == postgresql.HOST


def test_clickhouse_is_told_of_the_endpoint(plane: ControlPlane, release: Release) -> None:
    """ClickHouse and the daily backup have the URL of the bucket at the endpoint, and the key."""
    assert release
    where = f"--namespace={NAMESPACE}"
    pods = (
        found(plane, "statefulset", "langfuse-clickhouse", where)["spec"]["template"],
        found(plane, "cronjob", "langfuse-backup", where)["spec"]["jobTemplate"]["spec"][
            "template"
        ],
    )
    for pod in pods:
        (container,) = pod["spec"]["containers"]
        variables = {each["name"]: each.get("value") for each in container["env"]}
        assert variables["BACKUPS_URL"] == f"{S3}/{BUCKET}/clickhouse"
        assert variables["S3_ENDPOINT"] == S3
        assert variables["AWS_SECRET_ACCESS_KEY"] == KEY


def test_release_is_destroyed_and_deployed_again(plane: ControlPlane, release: Release) -> None:
    """A destroy runs the Job of the last backup and leaves nothing; a second deploy has no changes.

    Cannot prove: the backup itself, and what ClickHouse restores.
    """
    release.destroy()
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    release.deploy()
    release.environment.installation.assert_nothing_to_do("app")
