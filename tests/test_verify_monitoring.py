"""What verify.py says of metrics and dashboards, in front of a VictoriaMetrics of a few lines."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.helpers.kubectl import Kubectl
from tests.helpers.serving import serving
from verification.cluster import Cluster
from verification.monitoring import PROGRAMS, QUERY, monitoring_checks

ANSWERING: list[dict[str, str]] = [
    {"__name__": "up", "job": "langfuse", "instance": "langfuse-metrics-exporter:9400"},
    {"__name__": "up", "job": "kubelet", "instance": "10.0.0.10:10250", "node": "ip-10-0-0-10"},
    {"__name__": "langfuse_store_up", "job": "langfuse", "store": "redis"},
]


class VictoriaMetrics(BaseHTTPRequestHandler):
    """Answers the one query."""

    silent: ClassVar[set[int]] = set()

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)["query"]
        found = [
            {"metric": labels, "value": [0, str(int(number not in self.silent))]}
            for number, labels in enumerate(ANSWERING)
            if asked == [QUERY]
        ]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": {"result": found}}).encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


def deployments(*waiting: str) -> dict[str, Any]:
    return {
        "items": [
            {"metadata": {"name": name}, "status": {} if name in waiting else {"readyReplicas": 1}}
            for name in PROGRAMS
        ]
    }


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kubectl]:
    monkeypatch.setattr(VictoriaMetrics, "silent", set())
    server = ThreadingHTTPServer(("127.0.0.1", 0), VictoriaMetrics)
    kubectl = Kubectl(tmp_path)
    kubectl.rule(
        "*get?deployment?langfuse-victoria-metrics*",
        "echo deployment.apps/langfuse-victoria-metrics",
    )
    kubectl.answer("*get?deployments*", deployments())
    kubectl.forward("svc/langfuse-victoria-metrics", server.server_port)
    with serving(server):
        yield kubectl


def line(folder: Path) -> str:
    cluster = Cluster(folder / "kubeconfig", {"PATH": f"{folder}:/usr/bin:/bin"})
    (check,) = monitoring_checks(cluster)
    return check.line(cluster)[1]


def test_without_the_option_there_is_no_line(tmp_path: Path, kubectl: Kubectl) -> None:
    cluster = Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
    for nothing in ("true", "false"):
        kubectl.rule("*get?deployment?langfuse-victoria-metrics*", nothing)
        assert monitoring_checks(cluster) == ()


def test_metrics_come_from_everywhere(tmp_path: Path, kubectl: Kubectl) -> None:
    assert kubectl
    assert line(tmp_path) == "dashboards   ok   3 sources answer"


def test_silent_sources_are_a_warning(
    tmp_path: Path, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert kubectl
    monkeypatch.setattr(VictoriaMetrics, "silent", {1, 2})
    assert line(tmp_path).startswith(
        "dashboards   warning: no metrics from kubelet of ip-10-0-0-10, redis; see docs/monitoring"
    )


def test_pod_is_not_ready(tmp_path: Path, kubectl: Kubectl) -> None:
    kubectl.answer("*get?deployments*", deployments("langfuse-grafana"))
    assert line(tmp_path).startswith("dashboards   not ready: langfuse-grafana; see uv run kubectl")
