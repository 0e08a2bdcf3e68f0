"""What replay.py does and says, in front of stand-ins of kubectl, web, Redis and S3."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from types import SimpleNamespace
from typing import Any

import pytest

import replay
from replaying import bucket, steps
from tests.helpers.kubectl import Kubectl
from tests.helpers.serving import serving

OTEL_KEY = "otel/p/2026/11/25/08/00/a.json"
KEYS = [OTEL_KEY, "p/trace/b/c.json"]
AWS_SDK = """
const sent = require("node:fs").createWriteStream("sent");
class Command { constructor(input) { this.input = input; } }
exports.ListObjectsV2Command = class List extends Command {};
exports.CopyObjectCommand = class Copy extends Command {};
exports.DeleteObjectsCommand = class Delete extends Command {};
const object = (Key, day) => ({ Key, LastModified: new Date(`2026-11-${day}T00:00:00Z`) });
exports.S3Client = class {
  async send({ input, constructor }) {
    if (process.env.DENIED) throw new Error("Access Denied\\nmore");
    sent.write(`${constructor.name} ${JSON.stringify(input)}\\n`);
    if (input.ContinuationToken) return { Contents: [object("events/new two", 26)] };
    if (constructor.name !== "List") return {};
    const Contents = [object("events/old", 20), object("events/otel/one", 25)];
    return { Contents, NextContinuationToken: "2" };
  }
};
"""


class Web(BaseHTTPRequestHandler):
    """Langfuse's replay; the first ``refusals`` requests come to a pod that has no key yet."""

    refusals = 0
    asked: list[tuple[str, list[str]]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        type(self).asked.append((self.headers["Authorization"], body["keys"]))
        type(self).refusals -= 1
        self.send_response(401 if self.refusals >= 0 else 200)
        self.end_headers()
        self.wfile.write(b'{"queued": 1, "skipped": 1, "errors": ["x"]}')

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


class Redis(StreamRequestHandler):
    """Counts jobs: a look at the unfinished finds one less, at the failed the next count."""

    unfinished = 0
    failed: list[int]

    def handle(self) -> None:
        self.rfile.readline()
        answers = [b"+OK"]
        asked_for_failed = False
        while (line := self.rfile.readline().decode().strip()) != "QUIT":
            if line.endswith(":failed"):
                asked_for_failed = True
                found = self.failed[0] if "bull:otel-" in line else 0
            elif line == "LLEN bull:otel-ingestion-queue:active":
                found = max(0, type(self).unfinished)
                type(self).unfinished -= 1
            else:
                found = 0
            answers.append(f":{found}".encode())
        if asked_for_failed:
            type(self).failed = self.failed[1:] or self.failed
        self.wfile.write(b"".join(answer + b"\r\n" for answer in [*answers, b"+OK"]))


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    with (
        serving(ThreadingHTTPServer(("127.0.0.1", 0), Web)) as web,
        serving(ThreadingTCPServer(("127.0.0.1", 0), Redis)) as redis,
    ):
        yield {"web": web.server_address[1], "redis": redis.server_address[1]}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def kubectl(
    tmp_path: Path, log: Path, ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> Kubectl:
    kubectl = Kubectl(tmp_path)
    kubectl.forward("svc/langfuse-web", ports["web"])
    kubectl.forward("svc/langfuse-redis-master", ports["redis"])
    kubectl.answer("*get?secret*", {"data": {"redis-password": "cmVkaXMtZG8tbm90LXByaW50"}})
    kubectl.answer("*get?deployment/langfuse-web*", web(updated=1))
    kubectl.rule("*set?env*--env=-*", f"(echo given; cat) >> {log}")
    kubectl.rule("*set?env*ADMIN_API_KEY-*", f"echo taken >> {log}")
    kubectl.rule("*exec*list?????-*", "".join(f"echo '{key}';" for key in KEYS) + ":")
    kubectl.rule("*exec*?stage", f"(echo staged; cat; echo) >> {log}")
    kubectl.rule("*exec*?unstage", f"echo unstaged >> {log}")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(Web, "asked", [], raising=False)
    monkeypatch.setattr(Web, "refusals", 0)
    monkeypatch.setattr(Redis, "unfinished", 0)
    monkeypatch.setattr(Redis, "failed", [3], raising=False)
    monkeypatch.setattr(steps, "POLL_INTERVAL", 0.01)
    return kubectl


def web(*, updated: int) -> dict[str, Any]:
    status = {"observedGeneration": 2, "updatedReplicas": updated, "availableReplicas": 1}
    return {"metadata": {"generation": 2}, "spec": {"replicas": 1}, "status": status}


def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *arguments: str) -> None:
    kubeconfig = f"--kubeconfig={tmp_path / 'kubeconfig'}"
    monkeypatch.setattr("sys.argv", ["replay.py", kubeconfig, *arguments])
    replay.main()


@pytest.mark.usefixtures("kubectl")
def test_events_are_taken_in_again(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Web, "refusals", 1)
    monkeypatch.setattr(steps, "BATCH", 1)
    monkeypatch.setattr(Redis, "unfinished", 4)
    run(monkeypatch, tmp_path, "--since=2026-11-25T08:00")
    said = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in said if "waiting" not in line] == [
        "found",
        "staged",
        "ready",
        "queued",
        "queued",
        "removed",
        "done",
    ]
    assert said[0] == "found    2 events since 2026-11-25T08:00:00+00:00, 1 of OpenTelemetry"
    assert "queued   1 of 2, 1 skipped" in said
    assert "waiting  1 jobs are unfinished" in said
    # The pod that was going refused the first batch.
    assert [keys for _, keys in Web.asked] == [KEYS[:1], KEYS[:1], KEYS[1:]]
    done = log.read_text(encoding="utf-8").splitlines()
    (key,) = [line.removeprefix("ADMIN_API_KEY=") for line in done if "=" in line]
    assert {sent for sent, _ in Web.asked} == {f"Bearer {key}"}
    assert len(key) == 64
    assert key not in "".join(said)
    assert "do-not-print" not in "".join(said)
    assert [line for line in done if "=" not in line] == [
        "staged",
        json.dumps([OTEL_KEY]),
        "given",
        "taken",
        "unstaged",
    ]


@pytest.mark.usefixtures("kubectl")
def test_dry_run_changes_nothing(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(monkeypatch, tmp_path, "--dry-run")
    assert capsys.readouterr().out.startswith("found    2 events since 1970-01-01T00:00:00+00:00")
    assert not log.exists()
    assert Web.asked == []


@pytest.mark.usefixtures("kubectl")
def test_copies_stay_while_a_job_is_unfinished(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Redis, "unfinished", 9)
    clock = SimpleNamespace(sleep=interrupted, monotonic=time.monotonic)
    monkeypatch.setattr(steps, "time", clock)
    with pytest.raises(SystemExit, match="The replay was interrupted"):
        run(monkeypatch, tmp_path)
    done = log.read_text(encoding="utf-8").splitlines()
    assert "unstaged" not in done
    assert done[-1] == "taken"


@pytest.mark.usefixtures("kubectl")
def test_key_is_taken_away_when_web_refuses(
    tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Web, "refusals", 99)
    monkeypatch.setattr(steps, "RETRY_TIMEOUT", 0)
    with pytest.raises(SystemExit, match="stopped: /api/admin/ingestion-replay answers 401"):
        run(monkeypatch, tmp_path)
    assert log.read_text(encoding="utf-8").splitlines()[-1] == "taken"


def test_key_is_taken_away_when_web_does_not_start(
    kubectl: Kubectl, tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl.answer("*get?deployment/langfuse-web*", web(updated=0))
    monkeypatch.setattr(steps, "RESTART_TIMEOUT", 0)
    with pytest.raises(SystemExit, match="stopped: web has not restarted in 0 s"):
        run(monkeypatch, tmp_path)
    assert log.read_text(encoding="utf-8").splitlines()[-1] == "taken"


@pytest.mark.usefixtures("kubectl")
def test_failed_jobs_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Redis, "failed", [3, 5])
    with pytest.raises(SystemExit, match="stopped: 2 jobs failed; see uv run kubectl logs"):
        run(monkeypatch, tmp_path)


def test_faults_take_one_line_and_hold_no_secret(
    kubectl: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kubectl.rule("*exec*", "echo 'Error: Access Denied' >&2; exit 1")
    with pytest.raises(SystemExit, match=r"^The replay stopped: Error: Access Denied\. It can be"):
        run(monkeypatch, tmp_path)

    def broken(*_: object) -> None:
        message = "do-not-print"
        raise KeyError(message)

    monkeypatch.setattr(bucket, "find", broken)
    with pytest.raises(SystemExit, match=r"^The replay stopped: KeyError\. It can be"):
        run(monkeypatch, tmp_path)


def test_since_is_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        run(monkeypatch, tmp_path, "--since=yesterday")
    assert "--since: is no ISO time, such as" in capsys.readouterr().err
    assert replay.iso_time("2026-11-25T10:00+02:00") == replay.iso_time("2026-11-25T08:00")


def script(folder: Path, *arguments: str, stdin: str = "", **more: str) -> tuple[str, list[str]]:
    module = folder / "packages" / "shared" / "node_modules" / "@aws-sdk" / "client-s3"
    module.mkdir(parents=True, exist_ok=True)
    (module / "index.js").write_text(AWS_SDK, encoding="utf-8")
    text = bucket.SCRIPT.read_text(encoding="utf-8")
    names = {"LANGFUSE_S3_EVENT_UPLOAD_BUCKET": "b", "LANGFUSE_S3_EVENT_UPLOAD_PREFIX": "events/"}
    done = subprocess.run(  # noqa: S603 - our own script
        [shutil.which("node") or "node", "-e", text, *arguments],
        cwd=folder,
        env={**names, **more},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    sent = (folder / "sent").read_text(encoding="utf-8") if (folder / "sent").exists() else ""
    return done.stdout + done.stderr, sent.splitlines()


def test_list_has_every_page_and_heeds_the_time(tmp_path: Path) -> None:
    said, sent = script(tmp_path, "list", "2026-11-24T00:00:00+00:00")
    assert said.splitlines() == ["otel/one", "new two"]
    assert [line.partition(" ")[0] for line in sent] == ["List", "List"]


def test_stage_copies_each_key(tmp_path: Path) -> None:
    _, sent = script(tmp_path, "stage", stdin=json.dumps(["otel/one", "otel/two words"]))
    assert sorted(json.loads(line.removeprefix("Copy "))["CopySource"] for line in sent) == [
        "b/events/otel/one",
        "b/events/otel/two%20words",
    ]


def test_unstage_deletes_copies_only(tmp_path: Path) -> None:
    _, sent = script(tmp_path, "unstage")
    assert json.loads(sent[0].removeprefix("List "))["Prefix"] == "otel/"
    assert [line.partition(" ")[0] for line in sent] == ["List", "Delete", "List", "Delete"]


@pytest.mark.parametrize("step", ["stage", "unstage"])
def test_without_a_prefix_nothing_is_copied_or_deleted(tmp_path: Path, step: str) -> None:
    assert script(tmp_path, step, stdin="[]", LANGFUSE_S3_EVENT_UPLOAD_PREFIX="") == ("", [])


def test_denied(tmp_path: Path) -> None:
    assert script(tmp_path, "unstage", DENIED="1")[0].strip() == "Error: Access Denied"
