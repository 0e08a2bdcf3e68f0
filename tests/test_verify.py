"""What verify.py says of each part, in front of a stand-in of kubectl and of the services."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

import verify
from env_file import load_settings
from in_cluster.worker_modules import with_loader
from tests.helpers.kubectl import Kubectl
from tests.helpers.node import NODE
from tests.helpers.serving import serving
from tests.helpers.synthesis import BASE_ENV
from tests.helpers.worker_image import write_module
from verification import access
from verification.check import Check
from verification.checks import CHECKS, S3_PROBE, patches
from verification.cluster import CheckError, Cluster
from verification.report import show_lines

PASSWORD = "redis-do-not-print"  # noqa: S105 - of the stand-in
CLICKHOUSE_PASSWORD = "clickhouse-do-not-print"  # noqa: S105 - of the stand-in
RESTORED = (
    "20261125T101112Z restored at 2026-11-25T11:00:00Z in 12 s: 5000 rows of Langfuse 3.225.11"
)
# An answer to capacity.clickhouse.QUERY.
CLICKHOUSE = f"{20 * 2**30}\t{15 * 2**30}\t{512 * 2**20}\t{1536 * 2**20}\t0\t1800000000\n"
INFO = f"# Memory\r\nused_memory:{12 * 2**20}\r\nmaxmemory:{384 * 2**20}\r\n"
AWS_SDK = """
const sent = require("node:fs").createWriteStream("sent");
class Command { constructor(input) { this.line = `${this.constructor.name} ${input.Key}`; } }
exports.PutObjectCommand = class Put extends Command {};
exports.GetObjectCommand = class Get extends Command {};
exports.DeleteObjectCommand = class Delete extends Command {};
exports.S3Client = class {
  async send(command) {
    if (process.env.DENIED) throw new Error("Access Denied\\nmore");
    sent.write(`${command.line}\\n`);
    const transformToString = async () => sent.write("body\\n");
    return { Body: { transformToString } };
  }
};
"""


class Langfuse(BaseHTTPRequestHandler):
    """Web, worker and ClickHouse; ``broken`` paths answer 503."""

    answers: Mapping[str, str] = {
        "/api/public/health?failIfDatabaseUnavailable=true": '{"status": "OK", "version": "3.1"}',
        "/api/public/ready": "{}",
        "/api/health?failIfQueueConsumptionStuck=true": "{}",
        "/ping": "Ok.\n",
    }
    broken: frozenset[str] = frozenset()

    def do_POST(self) -> None:
        known = self.headers["X-ClickHouse-Key"] == CLICKHOUSE_PASSWORD
        self.send_response(200 if known else 403)
        self.end_headers()
        self.wfile.write(CLICKHOUSE.encode())

    def do_GET(self) -> None:
        self.send_response(503 if self.path in self.broken else 200)
        self.end_headers()
        self.wfile.write(self.answers[self.path].encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


class Redis(StreamRequestHandler):
    """Takes one password, and has no keys."""

    pong = b"+PONG"

    def handle(self) -> None:
        entered = False
        for line in self.rfile:
            lines = [self.rfile.readline().decode() for _ in range(2 * int(line[1:]))]
            command, *arguments = (each.removesuffix("\r\n") for each in lines[1::2])
            if command == "AUTH":
                entered = arguments == [PASSWORD]
                reply = b"+OK" if entered else b"-WRONGPASS"
            else:
                reply = self.reply(command) if entered else b"-NOAUTH"
            self.wfile.write(reply + b"\r\n")

    def reply(self, command: str) -> bytes:
        return {
            "PING": self.pong,
            "INFO": f"${len(INFO)}\r\n{INFO}".encode(),
            "TIME": b"*2\r\n$10\r\n1800000000\r\n$1\r\n5",
            "ZRANGE": b"*0",
            "LINDEX": b"$-1",
            "HMGET": b"*2\r\n$-1\r\n$-1",
        }.get(command, b":0")


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with (
        serving(ThreadingHTTPServer(("127.0.0.1", 0), Langfuse)) as http,
        serving(ThreadingTCPServer(("127.0.0.1", 0), Redis)) as redis,
    ):
        yield {"http": http.server_address[1], "redis": redis.server_address[1]}


@pytest.fixture
def kubectl(tmp_path: Path, ports: dict[str, int]) -> Kubectl:
    kubectl = Kubectl(tmp_path)
    for target in ("svc/langfuse-web", "deployment/langfuse-worker", "svc/langfuse-clickhouse"):
        kubectl.forward(target, ports["http"])
    kubectl.forward("svc/langfuse-redis-master", ports["redis"])
    kubectl.answer("*get?nodes*", {"items": [node("a", "True"), node("b", "True")]})
    kubectl.answer("*get?deployment/*", {"items": [workload("langfuse-web", ready=1)]})
    secret = {
        "redis-password": "cmVkaXMtZG8tbm90LXByaW50",
        "clickhouse-password": "Y2xpY2tob3VzZS1kby1ub3QtcHJpbnQ=",
    }
    kubectl.answer("*get?secret*", {"data": secret})
    kubectl.rule("*exec*", "echo langfuse-bucket")
    kubectl.rule("*exec?langfuse-clickhouse-0*cat*", f"printf '{RESTORED}\\nmore\\n'")
    kubectl.answer("*get?cronjobs*langfuse-backup*", {"items": [cron(HOUR_AGO, HOUR_AGO)]})
    return kubectl


@pytest.fixture
def cluster(tmp_path: Path, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    assert kubectl
    monkeypatch.setattr(Langfuse, "broken", frozenset())
    monkeypatch.setattr("verification.checks.today", lambda: date(2026, 11, 28))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


def node(name: str, ready: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {"metadata": {"name": name}, "status": {"conditions": conditions}}


def hours_ago(hours: float) -> str:
    time = datetime.now(UTC) - timedelta(hours=hours)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


HOUR_AGO = hours_ago(1)


def cron(begun: str | None, succeeded: str | None, *, made: str | None = None) -> dict[str, Any]:
    status = {"lastScheduleTime": begun, "lastSuccessfulTime": succeeded}
    return {
        "metadata": {"name": "langfuse-backup", "creationTimestamp": made or hours_ago(100)},
        "spec": {"schedule": "15 3 * * *"},
        "status": {name: time for name, time in status.items() if time},
    }


def workload(name: str, *, ready: int) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"replicas": 1},
        "status": {"readyReplicas": ready} if ready else {},
    }


NOT_ASKED = "warning: not asked: --kubeconfig does not tell the AWS account"


def test_fr22_all_is_well(cluster: Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    assert show_lines(verify.results(cluster, verify.checks_not_in_aws)) is True
    assert capsys.readouterr().out.splitlines() == [
        "nodes        ok   2 Ready",
        "pods         ok   1 ready",
        "web          ok   Langfuse 3.1",
        "web ready    ok   takes requests",
        "worker       ok   healthy",
        "clickhouse   ok   Ok.",
        f"restored     ok   {RESTORED}",
        f"backups      ok   last success {HOUR_AGO}",
        "redis        ok   PONG",
        "s3           ok   langfuse-bucket",
        "disk         ok   ClickHouse 25%, 5.0 GiB of 20.0 GiB",
        "memory       ok   ClickHouse 33%, 0.5 GiB of 1.5 GiB",
        "redis memory ok   3%, 12 MiB of 384 MiB",
        "queues       ok   no job waits",
        f"db storage   {NOT_ASKED}",
        f"kubernetes   {NOT_ASKED}",
        "patches      ok   Langfuse 3 until 2027-01-31, 64 days",
    ]


@pytest.mark.parametrize(
    ("version", "day", "status", "said"),
    [
        ("3.225.11", date(2026, 12, 1), "ok", "Langfuse 3 until 2027-01-31, 61 days"),
        ("3.225.11", date(2026, 12, 2), "warning", "Langfuse 3 until 2027-01-31, 60 days; upgrade"),
        ("3.225.11", date(2027, 1, 31), "warning", "Langfuse 3 until 2027-01-31, 0 days; upgrade"),
        ("3.225.11", date(2027, 2, 1), "warning", "Langfuse 3 none since 2027-01-31; upgrade it: "),
        ("4.53.0", date(2027, 2, 1), "ok", "no end is announced for Langfuse 4"),
        ("", date(2027, 2, 1), "warning", "not known: web does not tell its version"),
    ],
)
def test_security_patches_end(
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    *,
    day: date,
    status: str,
    said: str,
) -> None:
    monkeypatch.setattr("verification.checks.today", lambda: day)
    result = Check("patches", partial(patches, version)).result(cluster)
    assert (result.status, result.text[: len(said)]) == (status, said)


def test_v4_has_two_more_lines(
    cluster: Cluster, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path, *_) = Langfuse.answers
    monkeypatch.setattr(Langfuse, "answers", {**Langfuse.answers, path: '{"version": "4.16.0"}'})
    kubectl.rule("*exec*entrypoint.sh*", "echo '[]'")
    kubectl.rule("*logs?deployment/langfuse-web*", "echo started")
    printed = [each.line for each in verify.results(cluster, verify.checks_not_in_aws)]
    assert (True, "web          ok   Langfuse 4.16.0") in printed
    assert printed[-3:] == [
        (True, "patches      ok   no end is announced for Langfuse 4"),
        (True, "backfill     ok   done"),
        (True, "sdk traffic  ok   nothing rejected in 24 h"),
    ]


def test_stores_that_do_not_answer_are_not_known(
    cluster: Cluster, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of them, one line fails; a passed question is not asked again for each part."""
    monkeypatch.setattr(Redis, "pong", b"-MISCONF cannot save")
    wrong = {"redis-password": "b3RoZXI=", "clickhouse-password": "b3RoZXI="}
    kubectl.answer("*get?secret*", {"data": wrong})
    found = {each.part: each for each in verify.results(cluster, verify.checks_not_in_aws)}
    assert [each.part for each in found.values() if each.status == "failed"] == ["redis"]
    for part in ("disk", "memory"):
        assert found[part].line == (True, f"{part:12} warning: not known: / answers 403")
    for part in ("redis memory", "queues"):
        assert found[part].line == (True, f"{part:12} warning: not known: answers -WRONGPASS")
    kubectl.answer("*get?secret*", {"data": {}})
    found = {each.part: each for each in verify.results(cluster, verify.checks_not_in_aws)}
    assert found["queues"].text == "not known (KeyError)"


@pytest.mark.parametrize(
    ("part", "path", "remedy"),
    [
        ("web", "/api/public/health?failIfDatabaseUnavailable=true", "is the database there?"),
        ("web ready", "/api/public/ready", "is it migrating?"),
        (
            "worker",
            "/api/health?failIfQueueConsumptionStuck=true",
            "deployment/langfuse-worker",
        ),
        ("clickhouse", "/ping", "langfuse-clickhouse-0"),
    ],
)
def test_fr22_service_is_unwell(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, part: str, path: str, remedy: str
) -> None:
    monkeypatch.setattr(Langfuse, "broken", {path})
    (check,) = [check for check in CHECKS if check.part == part]
    ok, line = check.line(cluster)
    assert not ok
    assert f"{path} answers 503; see uv run kubectl logs -n langfuse" in line
    assert line.endswith(remedy)


def part(cluster: Cluster, name: str) -> tuple[bool, str]:
    (check,) = [check for check in CHECKS if check.part == name]
    return check.line(cluster)


def test_node_is_not_ready(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.answer("*get?nodes*", {"items": [node("a", "True"), node("b", "Unknown")]})
    assert part(cluster, "nodes") == (
        False,
        "nodes        not Ready: b; see uv run kubectl describe nodes",
    )
    kubectl.answer("*get?nodes*", {"items": []})
    assert "there is none" in part(cluster, "nodes")[1]


def test_node_runs_out_of_disk(cluster: Cluster, kubectl: Kubectl) -> None:
    full = node("b", "True")
    full["status"]["conditions"].append({"type": "DiskPressure", "status": "True"})
    full["status"]["conditions"].append({"type": "MemoryPressure", "status": "False"})
    kubectl.answer("*get?nodes*", {"items": [node("a", "True"), full]})
    said = "nodes        filling up: b DiskPressure; see uv run kubectl describe nodes"
    assert part(cluster, "nodes") == (False, said)


def test_pod_is_not_ready(cluster: Cluster, kubectl: Kubectl) -> None:
    waiting = [workload("langfuse-web", ready=1), workload("langfuse-worker", ready=0)]
    kubectl.answer("*get?deployment/*", {"items": waiting})
    assert "not ready: langfuse-worker; see uv run kubectl get events" in part(cluster, "pods")[1]


def test_pod_was_scaled_away(cluster: Cluster, kubectl: Kubectl) -> None:
    away = workload("langfuse-worker", ready=0)
    away["spec"]["replicas"] = 0
    kubectl.answer("*get?deployment/*", {"items": [away]})
    assert "not ready: langfuse-worker; see" in part(cluster, "pods")[1]


def test_nothing_is_behind_a_forward(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.rule("*port-forward*", "echo 'services \"langfuse-web\" not found' >&2; exit 1")
    assert 'services "langfuse-web" not found; see' in part(cluster, "web")[1]


def test_forward_leads_nowhere(cluster: Cluster, kubectl: Kubectl, unused_port: int) -> None:
    kubectl.forward("svc/langfuse-web", unused_port)
    assert "/api/public/ready does not answer (ConnectError)" in part(cluster, "web ready")[1]
    kubectl.forward("svc/langfuse-redis-master", unused_port)
    assert "unreadable (ConnectionRefusedError)" in part(cluster, "redis")[1]


@pytest.fixture
def unused_port() -> int:
    with ThreadingTCPServer(("127.0.0.1", 0), Redis) as server:
        return int(server.server_address[1])


def test_forward_says_nothing(
    cluster: Cluster, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("verification.cluster.TIMEOUT", 0.02)
    kubectl.rule("*port-forward*", "exec sleep 5")
    assert "no answer in 0.02 s; see" in part(cluster, "web ready")[1]


def test_proxy_is_not_asked_for_what_was_forwarded(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port}")
    assert part(cluster, "web ready")[0]


def test_answer_is_not_what_langfuse_says(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    (path, *_) = Langfuse.answers
    monkeypatch.setattr(Langfuse, "answers", {path: "[]"})
    assert "unreadable (TypeError); see" in part(cluster, "web")[1]


def test_redis_is_not_writable(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redis, "pong", b"-MISCONF cannot save")
    assert "answers -MISCONF cannot save; see" in part(cluster, "redis")[1]
    monkeypatch.setattr(Redis, "handle", lambda _: None)
    assert "answers nothing; see" in part(cluster, "redis")[1]


def test_redis_refuses_the_password(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.answer("*get?secret*", {"data": {"redis-password": "b3RoZXI="}})
    assert "answers -WRONGPASS; see" in part(cluster, "redis")[1]


def test_secret_is_not_there(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.answer("*get?secret*", {"data": {}})
    assert "unreadable (KeyError)" in part(cluster, "redis")[1]


def test_bucket_is_denied(cluster: Cluster, kubectl: Kubectl) -> None:
    trailer = "echo 'command terminated with exit code 1' >&2"
    kubectl.rule("*exec*", f"echo 'Error: Access Denied' >&2; {trailer}; exit 1")
    assert "s3           Error: Access Denied; deploy deps, then uv run" in part(cluster, "s3")[1]


def test_nfr01_nothing_secret_is_printed(cluster: Cluster) -> None:
    found = [*verify.results(cluster, verify.checks_not_in_aws)]
    assert len(found) > len(CHECKS)
    for password in (PASSWORD, CLICKHOUSE_PASSWORD):
        assert password not in str(found)


DAY_OLD = {"begun": hours_ago(27), "succeeded": hours_ago(27)}
FAILED = {"begun": HOUR_AGO, "succeeded": hours_ago(25)}


@pytest.mark.parametrize(
    ("found", "ok", "said"),
    [
        ([], True, "not scheduled; a destroy makes one"),
        ([cron(None, None, made=hours_ago(20))], True, "last success not yet"),
        ([cron(None, None, made=hours_ago(27))], False, "overdue, the last success is none; see"),
        ([cron(**DAY_OLD)], False, f"overdue, the last success is {DAY_OLD['succeeded']}; see"),
        (
            [cron(**FAILED)],
            False,
            f"the one of {FAILED['begun']} failed, the last success is {FAILED['succeeded']}; see",
        ),
        (
            [cron(HOUR_AGO, None, made=hours_ago(20))],
            False,
            f"the one of {HOUR_AGO} failed, the last success is none; see",
        ),
    ],
    ids=["no-schedule", "new", "never", "overdue", "failed", "failed-at-first"],
)
def test_backup_failed_or_is_overdue(
    cluster: Cluster, kubectl: Kubectl, found: list[dict[str, Any]], said: str, *, ok: bool
) -> None:
    kubectl.answer("*get?cronjobs*", {"items": found})
    passed, line = part(cluster, "backups")
    assert passed is ok
    assert said in line


def test_backup_is_running(cluster: Cluster, kubectl: Kubectl) -> None:
    running = cron(hours_ago(0), hours_ago(24))
    running["status"]["active"] = [{"name": "langfuse-backup-29400195"}]
    kubectl.answer("*get?cronjobs*", {"items": [running]})
    assert part(cluster, "backups") == (True, "backups      ok   running")


def test_weekly_backup_is_not_overdue_after_a_day(cluster: Cluster, kubectl: Kubectl) -> None:
    weekly = cron(**DAY_OLD)
    weekly["spec"]["schedule"] = "15 3 * * sun"
    kubectl.answer("*get?cronjobs*", {"items": [weekly]})
    assert part(cluster, "backups")[0]


def test_clickhouse_has_not_written_down_what_it_restored(
    cluster: Cluster, kubectl: Kubectl
) -> None:
    kubectl.rule("*exec?langfuse-clickhouse-0*", "echo 'cat: No such file' >&2; exit 1")
    said = (
        "restored     cat: No such file; see uv run kubectl logs -n langfuse langfuse-clickhouse-0"
    )
    assert part(cluster, "restored") == (False, said)


def test_kubectl_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CheckError, match="kubectl is not on PATH"):
        Cluster(tmp_path, {"PATH": str(tmp_path)}).kubectl("get")


def test_kubectl_takes_too_long(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("verification.cluster.TIMEOUT", 0.02)
    Kubectl(cluster.kubeconfig.parent).rule("*", "exec sleep 5")
    with pytest.raises(CheckError, match=r"no answer in 0\.04 s"):
        cluster.kubectl("get")


@pytest.mark.parametrize(
    ("environment", "status", "said"),
    [
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "token"}, 0, "langfuse-bucket"),
        ({}, 1, "Error: the pod has no IAM role"),
        ({"AWS_WEB_IDENTITY_TOKEN_FILE": "token", "DENIED": "1"}, 1, "Error: Access Denied"),
    ],
)
def test_s3_probe(tmp_path: Path, environment: dict[str, str], status: int, said: str) -> None:
    write_module(tmp_path, "@aws-sdk/client-s3", AWS_SDK)
    script = with_loader(S3_PROBE)
    done = subprocess.run(
        [NODE, "-e", script],
        cwd=tmp_path,
        env={"LANGFUSE_S3_EVENT_UPLOAD_BUCKET": "langfuse-bucket", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, (done.stdout + done.stderr).strip()) == (status, said)
    if status == 0:
        sent = (tmp_path / "sent").read_text(encoding="utf-8").split("\n")
        put, get, delete = (f"{verb} verify/probe.txt" for verb in ("Put", "Get", "Delete"))
        assert sent == [put, get, "body", delete, ""]


def log_in(tmp_path: Path, script: str) -> None:
    (tmp_path / "aws").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (tmp_path / "aws").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    access.write_kubeconfig(load_settings(BASE_ENV), environment, tmp_path / "kubeconfig")


def test_logs_in_with_the_aws_cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    log_in(tmp_path, f'echo "$*" > {tmp_path}/asked')
    asked = (tmp_path / "asked").read_text(encoding="utf-8")
    assert re.match("eks update-kubeconfig --name langfuse --region us-east-1 --kubeconfig", asked)


def test_cluster_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(SystemExit, match="no way into the cluster langfuse: No cluster found"):
        log_in(tmp_path, "echo; echo 'No cluster found' >&2; exit 254")


def test_aws_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="aws is not on PATH"):
        access.write_kubeconfig(
            load_settings(BASE_ENV), {"PATH": str(tmp_path)}, tmp_path / "kubeconfig"
        )


def test_aws_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(access, "TIMEOUT", 0.02)
    with pytest.raises(SystemExit, match=r"into the cluster langfuse: no answer in 0\.04 s"):
        log_in(tmp_path, "exec sleep 5")


@pytest.mark.parametrize("kubeconfig", [None, Path("kubeconfig")])
def test_env_with_a_fault_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kubeconfig: Path | None
) -> None:
    (tmp_path / ".env").write_text("A=$do-not-print\n", encoding="utf-8")
    monkeypatch.setattr(access, "ENV_FILE", tmp_path / ".env")
    with (
        pytest.raises(SystemExit, match=r"^\.env line 1, A: an unquoted \$"),
        access.access(kubeconfig),
    ):
        pass


@pytest.fixture
def kubeconfig(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return one for the program as it is started: with the tools on PATH, and with settings."""
    monkeypatch.setenv("PATH", cluster.environment["PATH"])
    monkeypatch.setattr(access, "ENV_FILE", BASE_ENV)
    monkeypatch.setattr(verify, "checks_in_aws", lambda: ())
    monkeypatch.setattr("sys.argv", ["verify.py", f"--kubeconfig={cluster.kubeconfig}"])
    (tmp_path / "aws").write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
    (tmp_path / "aws").chmod(0o755)
    return cluster.kubeconfig


@pytest.mark.parametrize("logs_in", [False, True])
def test_status_is_that_of_the_worst_check(
    kubeconfig: Path, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch, *, logs_in: bool
) -> None:
    assert kubeconfig
    if logs_in:
        monkeypatch.setattr("sys.argv", ["verify.py"])
    with pytest.raises(SystemExit) as well:
        verify.main()
    kubectl.rule("*exec*", "exit 1")
    with pytest.raises(SystemExit) as unwell:
        verify.main()
    assert (int(well.value.code or 0), int(unwell.value.code or 0)) == (0, 1)


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_cluster_is_out_of_reach(
    kubeconfig: Path,
    kubectl: Kubectl,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
) -> None:
    kubectl.rule("*", "echo 'You must be logged in to the server (Unauthorized)' >&2; exit 1")
    for where, name in ([f"--kubeconfig={kubeconfig}"], f"of {kubeconfig}"), ([], "langfuse"):
        monkeypatch.setattr("sys.argv", ["verify.py", *arguments, *where])
        with pytest.raises(SystemExit) as stop:
            verify.main()
        assert stop.value.code is True
        said = capsys.readouterr().out
        reason = "You must be logged in to the server (Unauthorized)"
        text = f"There is no way into the cluster {name}: {reason}"
        if arguments:
            (found,) = json.loads(said)["checks"]
            assert (found["part"], found["status"], found["text"]) == ("cluster", "failed", text)
        else:
            assert said == f"cluster      {text}\n"
