"""A ClickHouse of the user's own, as the pods and the programs on this machine ask it."""

import json
import subprocess
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar, Final

import pytest

from backing_up.account import BackupError
from backing_up.job import back_up_now
from capacity.stores import store_checks
from in_cluster.own_clickhouse_values import init_containers
from own_clickhouse import OwnClickhouse
from replaying import restored
from tests.helpers.kubectl import BUNDLED, OWN, Kubectl
from tests.helpers.node import NODE
from tests.helpers.serving import serving
from upgrading import preconditions
from verification.checks import CHECKS
from verification.cluster import CheckError, Cluster
from verification.own_clickhouse import REMEDY, judge, read_server

PASSWORD: Final = "do-not-print"  # noqa: S105 - of the stand-in
# Columns of the script's query: version, time zone, its offsets, tables of Langfuse 4, and of them
# those that its worker looks for.
GOOD: Final = "26.3.32.14\tUTC\t0\t0\t0\t0\n"
MIGRATED: Final = "26.8.19.9\tUTC\t0\t0\t1\t2\n"


class Server(BaseHTTPRequestHandler):
    """Gives one answer after the other, the last one again and again."""

    answers: ClassVar[list[tuple[int, str]]] = []
    asked: ClassVar[list[tuple[str, str | None]]] = []

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        assert b"system.tables" in self.rfile.read(length)
        self.asked.append((self.path, self.headers["X-ClickHouse-User"]))
        status, text = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.headers["X-ClickHouse-Key"] != PASSWORD:
            status, text = 403, "Code: 516. DB::Exception: default: Authentication failed\nmore"
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Server)) as server:
        yield server.server_address[1]


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    kubectl = Kubectl(tmp_path)
    kubectl.use_clickhouse(OWN)
    return kubectl


@pytest.fixture
def cluster(tmp_path: Path, kubectl: Kubectl) -> Cluster:
    assert kubectl
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


def run_in_pod(
    folder: Path, port: int, *answers: str | tuple[int, str], major: int = 3, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the init container to its end, with the environment of its pod."""
    Server.answers = [each if isinstance(each, tuple) else (200, each) for each in answers]
    Server.asked = []
    own = OwnClickhouse(
        url=f"http://127.0.0.1:{port}",
        native_port=9000,
        user="ada",
        database="traces",
        is_cluster=False,
    )
    (container,) = init_containers(own, major, image="i")
    given = {each["name"]: each.get("value", PASSWORD) for each in container["env"]}
    program, *options = container["command"]
    assert program == "node"
    return subprocess.run(  # noqa: S603 - our own script
        [NODE, *(each.replace("$${", "${") for each in options)],
        env={**given, "COMPONENT": "web", "POLL_MS": "1", **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )


def test_no_migration_begins_before_the_server_is_fit(tmp_path: Path, port: int) -> None:
    done = run_in_pod(
        tmp_path,
        port,
        (503, "waking up\nmore"),
        "24.2.1\tUTC\t0\t0\t0\t0\n",
        "26.3.1\tEurope/London\t0\t3600\t0\t0\n",
        "26.3.1\tUTC\t0\t0\t1\t2\n",
        GOOD,
    )
    assert done.stdout.splitlines() == [
        "waiting: ClickHouse answers 503: waking up",
        "waiting: ClickHouse is 24.2.1, and Langfuse 3 needs 24.3 or later",
        "waiting: ClickHouse has the time zone Europe/London, and Langfuse needs UTC",
        (
            "waiting: ClickHouse has tables of Langfuse 4 in traces, with which Langfuse 3 does "
            "not start; set LANGFUSE_MAJOR=4, or another CLICKHOUSE_DATABASE"
        ),
    ]
    assert {*Server.asked} == {("/?database=traces", "ada")}


@pytest.mark.parametrize("component", ["web", "worker"])
def test_worker_of_4_waits_for_web_s_tables(tmp_path: Path, port: int, component: str) -> None:
    answers = ("25.11.9\tUTC\t0\t0\t0\t0\n", "25.12.1\tUTC\t0\t0\t1\t1\n", MIGRATED)
    done = run_in_pod(tmp_path, port, *answers, major=4, COMPONENT=component)
    old = "waiting: ClickHouse is 25.11.9, and Langfuse 4 needs 25.12 or later\n"
    early = "waiting: web has not made the tables yet\n"
    assert done.stdout == old + (early if component == "worker" else "")


def exec_script(kubectl: Kubectl, folder: Path, port: int, **variables: str) -> None:
    """Have ``kubectl exec`` run the script here, in a checkout of Langfuse 3."""
    (folder / "worker").mkdir(exist_ok=True)
    (folder / "worker" / "package.json").write_text('{"version": "3.225.11"}', encoding="utf-8")
    given = {
        "CLICKHOUSE_URL": f"http://127.0.0.1:{port}",
        "CLICKHOUSE_USER": "default",
        "CLICKHOUSE_DB": "default",
        "CLICKHOUSE_PASSWORD": PASSWORD,
        **variables,
    }
    words = " ".join(f"'{name}={value}'" for name, value in given.items())
    shift = 'while [ "$1" != -- ]; do shift; done; shift 2'
    kubectl.rule(
        "*exec*deployment/langfuse-worker*", f'{shift}; cd {folder}; env {words} {NODE} "$@"'
    )


def says(kubectl: Kubectl, **changes: object) -> None:
    """Have the script say this."""
    said = {"major": 3, "version": "26.3.32.14", "timezone": "UTC", "faults": [], **changes}
    kubectl.rule("*exec*deployment/langfuse-worker*", f"echo '{json.dumps(said)}'")


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({}, "ok", "26.3.32.14 in UTC at clickhouse.example.com:8443"),
        ({"version": "26.4.9"}, "ok", "26.4.9 in UTC at clickhouse.example.com:8443"),
        (
            {"version": "26.5.1"},
            "warning",
            "26.5.1 in UTC at clickhouse.example.com:8443: pages of",
        ),
        (
            {"version": "26.7.2"},
            "warning",
            "26.7.2 in UTC at clickhouse.example.com:8443: pages of",
        ),
        ({"version": "26.8.1"}, "ok", "26.8.1 in UTC at clickhouse.example.com:8443"),
        ({"version": "26.7.2", "major": 4}, "ok", "26.7.2 in UTC at clickhouse.example.com:8443"),
        (
            {"faults": ["is 23.8.1, and so on", "has the time zone CET, and so on"]},
            "failed",
            (
                "clickhouse.example.com:8443 is 23.8.1, and so on; it has the time zone CET, and "
                "so on; see docs/own-clickhouse.md"
            ),
        ),
    ],
)
def test_verify_judges_version_and_time_zone(
    cluster: Cluster, kubectl: Kubectl, changes: dict[str, object], *, status: str, said: str
) -> None:
    says(kubectl, **changes)
    (check,) = [each for each in CHECKS if each.part == "clickhouse"]
    result = check.result(cluster)
    assert result.status == status
    assert result.text.startswith(said) if status == "warning" else result.text == said


def test_script_judges_for_the_langfuse_of_its_pod(
    cluster: Cluster, kubectl: Kubectl, tmp_path: Path, port: int
) -> None:
    Server.answers = [(200, "26.8.1\tEtc/UTC\t0\t0\t1\t2\n")]
    exec_script(kubectl, tmp_path, port)
    server = read_server(cluster)
    assert (server.major, server.version, server.timezone) == (3, "26.8.1", "Etc/UTC")
    (fault,) = server.faults
    assert fault.startswith("has tables of Langfuse 4 in default")


@pytest.mark.parametrize("reaches", [True, False])
def test_server_that_does_not_answer_is_one_line(
    cluster: Cluster,
    kubectl: Kubectl,
    tmp_path: Path,
    port: int,
    free_tcp_port: int,
    *,
    reaches: bool,
) -> None:
    Server.answers = [(200, GOOD)]
    where = port if reaches else free_tcp_port
    exec_script(kubectl, tmp_path, where, CLICKHOUSE_PASSWORD="other")  # noqa: S106 - a wrong one
    reading = judge(cluster, OWN)
    refused = "answers 403: Code: 516. DB::Exception: default: Authentication failed"
    said = refused if reaches else "does not answer (ECONNREFUSED)"
    assert reading.text == f"clickhouse.example.com:8443: {said}; {REMEDY}"
    assert (reading.status, reading.values) == ("failed", {})


def test_script_that_says_nothing(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.rule("*exec*", "echo nothing")
    with pytest.raises(CheckError, match="ended without an answer"):
        read_server(cluster)


def test_verify_asks_nothing_that_is_not_there(cluster: Cluster, kubectl: Kubectl) -> None:
    """Neither a StatefulSet nor a pod of ClickHouse, nor its backups, disk and memory."""
    kubectl.rule("*langfuse-clickhouse*|*langfuse-backup*", "echo 'not found' >&2; exit 1")
    workload = {
        "metadata": {"name": "w"},
        "spec": {"replicas": 1},
        "status": {"readyReplicas": 1},
    }
    kubectl.answer("*get?deployment/langfuse-web*redis*", {"items": [workload] * 3})
    found = {each.part: each.result(cluster) for each in (*CHECKS, *store_checks()[:2])}
    assert {
        part: found[part].line for part in ("pods", "restored", "backups", "disk", "memory")
    } == {
        "pods": (True, "pods         ok   3 ready"),
        "restored": (True, "restored     ok   nothing: ClickHouse is your own"),
        "backups": (True, "backups      ok   ClickHouse is your own: they are made where it runs"),
        "disk": (True, "disk         ok   not measured: ClickHouse is your own"),
        "memory": (True, "memory       ok   not measured: ClickHouse is your own"),
    }


def test_worker_tells_whose_it_is(cluster: Cluster, kubectl: Kubectl) -> None:
    assert cluster.own_clickhouse == OWN
    kubectl.use_clickhouse(BUNDLED)
    assert Cluster(cluster.kubeconfig, cluster.environment).own_clickhouse is None
    kubectl.answer("*get?deployments*", {"items": []})
    assert Cluster(cluster.kubeconfig, cluster.environment).own_clickhouse is None


def test_replay_takes_all_events(cluster: Cluster) -> None:
    """And does not go on with a replay into another server."""
    marker = restored.read_marker(cluster)
    assert marker == f"own {OWN}"
    begin, reason = restored.since(marker)
    assert (begin, reason) == (restored.BEGINNING, "ClickHouse is your own, so all events")


def test_backups_are_made_where_it_runs(cluster: Cluster) -> None:
    with pytest.raises(
        BackupError, match=r"^ClickHouse is your own: make its backup where it runs"
    ):
        back_up_now(cluster, print)


def test_upgrade_looks_at_the_version_for_4(cluster: Cluster, kubectl: Kubectl) -> None:
    says(kubectl, major=4)
    said = preconditions.own_clickhouse(cluster)
    assert said == "26.3.32.14, your own: its disk needs 3 times what its data take"
    says(kubectl, faults=["is 25.11.1, and Langfuse 4 needs 25.12 or later"])
    with pytest.raises(BackupError, match=r"^ClickHouse is 25\.11\.1, and Langfuse 4 needs 25\.12"):
        preconditions.own_clickhouse(cluster)
