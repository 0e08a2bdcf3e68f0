"""Installs the release with its real images on kind, uses it, destroys and restores it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import pytest

from docs.module_interfaces import mirror_directory
from in_cluster.names import NAMESPACE
from tests.e2e.counts import count
from tests.e2e.life import COUNTS
from tests.helpers.serving import free_port
from tests.images import kind, postgresql
from tests.images.for_kind import Cluster
from tests.images.release import Release
from tests.rehearsal.environment import BUCKET, start_environment
from tests.rehearsal.stand_ins.aws import KEY
from verification import cluster as verification

# verify.py asks for the role of the pod, which only EKS gives.
FAILS_WITHOUT_A_ROLE: Final = {"s3"}
# Langfuse's migrations, and 2 GB of images to pull.
ROLLOUT: Final = "--timeout=10m"


@pytest.fixture
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Release]:
    """Yield the release, prepared on a new cluster with PostgreSQL."""
    if lack := kind.missing():
        required = request.config.getoption("--rehearsal-required")
        (pytest.fail if required else pytest.skip)(f"no images: {lack}")
    kubeconfig = tmp_path / "kubeconfig"
    with ExitStack() as stack:
        environment = stack.enter_context(
            start_environment(tmp_path / "environment", mirror_directory(), cluster=False)
        )
        stack.enter_context(kind.cluster(kubeconfig))
        port = urlsplit(environment.aws.url).port or 0
        s3 = stack.enter_context(kind.reachable(port))
        release = Release(environment, Cluster(kubeconfig, s3, KEY, KEY))
        stack.callback(explain, release, request.session)
        kubectl(release, "apply", "--filename=-", manifest=postgresql.manifests())
        where = (f"--namespace={postgresql.NAMESPACE}", ROLLOUT)
        kubectl(release, "rollout", "status", f"deployment/{postgresql.NAME}", *where)
        release.prepare()
        yield release


def explain(release: Release, session: pytest.Session) -> None:
    """Print what a failure has left in the cluster, before it goes."""
    if not session.testsfailed:
        return
    for what in (
        ("get", "pods,jobs,pvc", "--all-namespaces", "--output=wide"),
        ("get", "events", "--all-namespaces", "--sort-by=.lastTimestamp"),
        *(
            ("logs", f"--namespace={NAMESPACE}", f"--selector={label}", "--tail=100")
            for label in ("app=web", "app=worker", "app.kubernetes.io/name=clickhouse")
        ),
    ):
        command = ["kubectl", f"--kubeconfig={release.cluster.kubeconfig}", *what]
        subprocess.run(command, check=False, timeout=60)


def kubectl(release: Release, *arguments: str, manifest: dict[str, Any] | None = None) -> str:
    done = subprocess.run(
        ["kubectl", f"--kubeconfig={release.cluster.kubeconfig}", *arguments],
        input=json.dumps(manifest) if manifest else "",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def verified(release: Release) -> dict[str, dict[str, Any]]:
    """Return what verify.py finds, by its parts."""
    kubeconfig = f"--kubeconfig={release.cluster.kubeconfig}"
    said = release.environment.installation.run(
        "python", "verify.py", kubeconfig, "--json", status=1
    )
    document = json.loads(said.splitlines()[-1])
    checks: dict[str, dict[str, Any]] = {each["part"]: each for each in document["checks"]}
    failed = {part: each["text"] for part, each in checks.items() if each["status"] == "failed"}
    assert failed.keys() == FAILS_WITHOUT_A_ROLE, failed
    return checks


def counted(release: Release) -> dict[str, int]:
    environment = release.environment
    cluster = verification.Cluster(release.cluster.kubeconfig, environment.installation.environment)
    return count(cluster, environment.aws.client("s3"), {"Bucket": BUCKET})


@pytest.mark.images
def test_release_lives_twice(release: Release) -> None:
    """Traces, scores and rows survive a destroy and a deploy, on the images that AWS would run."""
    release.deploy()
    plain = f"host=127.0.0.1 user=langfuse dbname=langfuse password={postgresql.PASSWORD}"
    database = ("exec", f"--namespace={postgresql.NAMESPACE}", f"deployment/{postgresql.NAME}")
    with pytest.raises(AssertionError, match="no encryption"):
        kubectl(release, *database, "--", "psql", f"{plain} sslmode=disable", "-c", "SELECT 1")
    assert verified(release)["restored"]["text"] == "nothing: no backup"

    first_trace = (sys.executable, "examples/first_trace.py")
    host = f"LANGFUSE_HOST=http://localhost:{free_port()}"
    login = f"KUBECONFIG={release.cluster.kubeconfig}"
    said = release.environment.installation.run("env", host, login, *first_trace)
    assert "scored  correct" in said
    before = counted(release)
    assert all(before[each] for each in COUNTS), before

    assert release.backups() == []
    release.destroy()
    (backup,) = release.backups()
    assert kubectl(release, "get", "pods,pvc", f"--namespace={NAMESPACE}", "--output=name") == ""

    release.deploy()
    assert verified(release)["restored"]["text"].startswith(f"{backup} restored at ")
    assert counted(release) == before
