"""verify.py where an operator fills the Secret."""

import base64
from pathlib import Path
from typing import Any

import pytest

from in_cluster.names import SecretKey
from tests.helpers.kubectl import Kubectl
from verification.cluster import CheckError, Cluster
from verification.external_secrets import secret_checks

TIME = "2026-11-28T09:00:00Z"
READY = {"type": "Ready", "status": "True", "reason": "SecretSynced", "message": "secret synced"}
DENIED = {
    "type": "Ready",
    "status": "False",
    "reason": "SecretSyncedError",
    "message": "could not get secret data from provider",
}


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    kubectl = Kubectl(tmp_path)
    kubectl.rule("*get?deployment?*external-secrets?*", "echo deployment.apps/operator")
    return kubectl


@pytest.fixture
def cluster(tmp_path: Path, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    assert kubectl
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


def line(cluster: Cluster, kubectl: Kubectl, status: dict[str, Any]) -> tuple[bool, str]:
    kubectl.answer("*get?externalsecrets?langfuse-external-secrets*", {"status": status})
    (check,) = secret_checks(cluster)
    return check.line(cluster)


def test_filled(cluster: Cluster, kubectl: Kubectl) -> None:
    status = {"refreshTime": TIME, "conditions": [{"type": "Deleted"}, READY]}
    assert line(cluster, kubectl, status) == (True, f"secrets      ok   filled from AWS at {TIME}")


def test_refused(cluster: Cluster, kubectl: Kubectl) -> None:
    """What the operator wrote before is still there, and its time as well."""
    ok, said = line(cluster, kubectl, {"refreshTime": TIME, "conditions": [DENIED]})
    assert not ok
    assert said.startswith(
        "secrets      not filled: could not get secret data from provider; see uv run kubectl "
    )
    assert said.endswith(" and docs/external-secrets.md#if-the-secret-is-not-filled")


def test_not_yet(cluster: Cluster, kubectl: Kubectl) -> None:
    assert "has not looked at it yet" in line(cluster, kubectl, {})[1]


@pytest.mark.parametrize("command", ["true", "exit 1"])
def test_no_line_without_an_operator(cluster: Cluster, kubectl: Kubectl, command: str) -> None:
    kubectl.rule("*get?deployment?*external-secrets?*", command)
    assert secret_checks(cluster) == ()


def test_password_is_looked_for_in_both_secrets(cluster: Cluster, kubectl: Kubectl) -> None:
    def data(**values: str) -> dict[str, Any]:
        return {"data": {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}}

    kubectl.answer("*get?secret?langfuse-secrets*", data(**{"admin-password": "ours"}))
    kubectl.answer("*get?secret?langfuse-external-secrets*", data(**{"redis-password": "theirs"}))
    assert cluster.password(SecretKey.ADMIN_PASSWORD) == "ours"
    assert cluster.password(SecretKey.REDIS_PASSWORD) == "theirs"
    kubectl.rule("*get?secret?langfuse-external-secrets*", "echo 'not found' >&2; exit 1")
    with pytest.raises(CheckError, match="not found"):
        cluster.password(SecretKey.REDIS_PASSWORD)
