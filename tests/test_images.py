"""What the release with its real images needs, as far as no Docker shows it."""

import json
import platform
import re
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import versions
from in_cluster.names import STORAGE_CLASS
from tests.helpers.chart_values import chart_values
from tests.helpers.checkout import ROOT
from tests.helpers.serving import serving
from tests.helpers.stack import Stack
from tests.images import kind, postgresql
from tests.images.for_kind import EBS, LOCAL_PATH, Cluster, adapt

S3 = "http://172.18.0.1:5000"
CLUSTER = Cluster(Path("/kubeconfig"), S3, "key", "secret")
BUCKET = "${local.deps_bucket_name}"
LOGIN = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "S3_ENDPOINT": S3}


@pytest.fixture(scope="module")
def adapted(app: Stack) -> Stack:
    return Stack(adapt(app.json, CLUSTER))


def environment(container: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each.get("value", "") for each in container["env"]}


def test_nothing_else_differs(app: Stack, adapted: Stack) -> None:
    """But for the login of Helm and the values of the two releases."""
    left = []
    for stack in (app, adapted):
        document = json.loads(json.dumps(stack.json))
        del document["provider"]["helm"]
        for release in document["resource"]["helm_release"].values():
            del release["values"]
        left.append(document)
    assert left[0] == left[1]
    assert adapted.json["provider"]["helm"] == [{"kubernetes": {"config_path": "/kubeconfig"}}]


def test_langfuse_uses_the_endpoint_with_a_key(app: Stack, adapted: Stack) -> None:
    ours, s3 = chart_values(app)["s3"], chart_values(adapted)["s3"]
    assert {key: s3[key] for key in s3 if s3[key] != ours.get(key)} == {
        "endpoint": S3,
        "forcePathStyle": True,
        "accessKeyId": {"value": "key"},
        "secretAccessKey": {"value": "secret"},
    }
    assert s3["bucket"] == BUCKET


def test_clickhouse_and_its_backups_use_the_endpoint_with_a_key(adapted: Stack) -> None:
    values, backups = chart_values(adapted), chart_values(adapted, "langfuse-backup")["manifests"]
    pods = [values["extraManifests"]["clickhouse"]["spec"]["template"]["spec"]]
    pods += [backups[name]["spec"]["template"]["spec"] for name in ("last", "resume")]
    pods.append(backups["daily"]["spec"]["jobTemplate"]["spec"]["template"]["spec"])
    for pod in pods:
        (container,) = pod["containers"]
        found = environment(container)
        assert found["BACKUPS_URL"] == f"{S3}/{BUCKET}/clickhouse"
        assert {name: found[name] for name in LOGIN} == LOGIN


def test_volumes_are_those_of_kind(app: Stack, adapted: Stack) -> None:
    (ours, theirs) = (
        chart_values(each)["extraManifests"]["storageClass"] for each in (app, adapted)
    )
    assert (ours["provisioner"], theirs["provisioner"]) == (EBS, LOCAL_PATH)
    assert "parameters" not in theirs
    assert theirs["metadata"]["name"] == STORAGE_CLASS


def test_policy_of_clickhouse_lets_out_to_the_endpoint(app: Stack, adapted: Stack) -> None:
    def let_out(stack: Stack) -> list[int]:
        policy = chart_values(stack)["extraManifests"]["clickhouseNetworkPolicy"]["spec"]
        return [port["port"] for rule in policy["egress"] for port in rule["ports"]]

    assert let_out(adapted) == [*let_out(app), 5000]
    # Web and worker may go anywhere, and Redis nowhere.
    for name in ("webNetworkPolicy", "workerNetworkPolicy", "redisNetworkPolicy"):
        ours, theirs = (chart_values(each)["extraManifests"][name] for each in (app, adapted))
        assert ours == theirs


def test_postgresql_takes_no_connection_without_tls() -> None:
    kinds = {each["kind"]: each for each in postgresql.manifests()["items"]}
    (pod,) = [kinds["Deployment"]["spec"]["template"]["spec"]]
    (container,) = pod["containers"]
    assert container["image"] == f"postgres:{versions.POSTGRES}"
    assert "ssl=on" in container["args"]
    assert "hba_file=/configuration/pg_hba.conf" in container["args"]
    rules = [line.split() for line in kinds["ConfigMap"]["data"]["pg_hba.conf"].splitlines()]
    assert {rule[0] for rule in rules} == {"local", "hostssl"}
    # Of the group, which is that of the pod; PostgreSQL refuses one that others may read.
    assert pod["volumes"][0]["secret"]["defaultMode"] == 0o640
    assert pod["securityContext"]["fsGroup"] == pod["securityContext"]["runAsUser"]


def test_missing_docker_is_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kind.missing() == "not on PATH: docker, kind, kubectl, terraform, npx"
    for program in kind.PROGRAMS:
        (tmp_path / program).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (tmp_path / program).chmod(0o700)
    assert kind.missing() == "Docker does not run"
    (tmp_path / "docker").write_text("#!/bin/sh\n", encoding="utf-8")
    assert kind.missing() is None


def test_cluster_is_made_and_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    script = f'#!/bin/sh\necho "$*" >> "$CALLS"\n[ $1 != create ] || cat > {tmp_path}/config\n'
    (tmp_path / "kind").write_text(script, encoding="utf-8")
    (tmp_path / "kind").chmod(0o700)
    with pytest.raises(ZeroDivisionError), kind.cluster(tmp_path / "kubeconfig"):
        raise ZeroDivisionError
    created, deleted = (tmp_path / "calls").read_text(encoding="utf-8").splitlines()
    assert f"create cluster --name {kind.NAME} --image {kind.NODE} " in created
    assert deleted.startswith(f"delete cluster --name {kind.NAME} --kubeconfig=")
    config = json.loads((tmp_path / "config").read_text(encoding="utf-8"))
    zones = [each.get("labels", {}).get("topology.kubernetes.io/zone") for each in config["nodes"]]
    # Web and ClickHouse are on different nodes, and ClickHouse in the zone of its volume.
    assert zones == [None, "us-east-1a", "us-east-1b"]


def test_node_has_the_kubernetes_of_a_deploy() -> None:
    assert kind.NODE.startswith(f"kindest/node:v{versions.KUBERNETES}.")


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was sent."""

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


def test_relay_passes_everything_on() -> None:
    body = bytes(range(256)) * 1000
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Echo)) as server:
        port = server.server_address[1]
        with kind.relay("127.0.0.1", port) as at:
            answers = [httpx.put(f"http://127.0.0.1:{at}/x", content=body) for _ in range(3)]
    assert [answer.content for answer in answers] == [body] * 3
    # Nothing listens any more.
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", at))


def test_pods_reach_the_gateway_of_dockers_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    docker = "#!/bin/sh\necho 'fc00:f853:ccd:e793::1 127.0.0.1 '\n"
    (tmp_path / "docker").write_text(docker, encoding="utf-8")
    (tmp_path / "docker").chmod(0o700)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    with kind.reachable(1) as url:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with kind.reachable(5000) as url:
        assert url == "http://host.docker.internal:5000"


def test_workflow_has_the_kind_of_the_node() -> None:
    file = ROOT / ".github" / "workflows" / "images.yml"
    job = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]["images"]
    assert job["env"]["KIND"] == "v0.33.0"
    assert "Of kind 0.33.0" in (ROOT / "tests" / "images" / "kind.py").read_text(encoding="utf-8")
    assert "pytest -m images --rehearsal-required" in job["steps"][-1]["run"]
