"""What replay.py does and says: the script on stand-ins of its modules, ClickHouse and kubectl."""

import json
import os
import re
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

import progress
import replay
from replaying import restored, steps
from tests.helpers.kubectl import Kubectl
from tests.helpers.node import NODE
from tests.helpers.serving import serving
from tests.helpers.worker_image import write_module
from verification.cluster import CheckError, Cluster

PASSWORD: Final = "do-not-print"  # noqa: S105 - of the stand-ins
SHORTENED: Final = "long_0123456789abcdef"
# Keys without the prefix, days of November 2020, and bodies.
SPANS: Final = [{"traceId": {"data": [10, 11]}, "spanId": "s1"}, {"spanId": "no trace"}]
ENVIRONMENT: Final = {"stringValue": "langfuse-llm-as-a-judge"}
JUDGE: Final = {"attributes": [{"key": "langfuse.environment", "value": ENVIRONMENT}]}
OBJECTS: Final = {
    "otel/p/2020/11/24/08/00/a.json": (24, [{"scopeSpans": [{"spans": SPANS}]}]),
    "otel/p/2020/11/25/08/00/b.json": (25, [{"scopeSpans": [], "resource": JUDGE}]),
    "p/dataset_run_item/d/e.json": (25, []),
    "p/observation/o/e.json": (25, []),
    "p/score/it's/e.json": (26, []),
    f"p/trace/{SHORTENED}/e.json": (26, [{"body": {"id": "a long id"}}]),
    "p/sdk_log/x/e.json": (26, []),
}
OTEL_KEY: Final = "events/otel/p/2020/11/24/08/00/a.json"

AWS_SDK: Final = """
const { DENIED, PAGE } = process.env;
const objects = JSON.parse(require("node:fs").readFileSync("objects.json", "utf8"));
class Command { constructor(input) { this.input = input; } }
exports.ListObjectsV2Command = class extends Command {};
exports.GetObjectCommand = class extends Command {};
exports.S3Client = class {
  async send({ input }) {
    if (DENIED) throw new Error(`Access Denied ${process.env.REDIS_AUTH}\\nmore`);
    if (input.Key) return { Body: { transformToString: async () => objects[input.Key].body } };
    const after = input.ContinuationToken || input.StartAfter || "";
    const keys = Object.keys(objects).sort().filter((key) => key > after);
    const Contents = keys.slice(0, 2).map((Key) => (
      { Key, Size: 9, LastModified: new Date(objects[Key].time) }));
    return { Contents, NextContinuationToken: keys.length > 2 ? keys[1] : undefined };
  }
};
"""
# Redis in a file. With WORKS, a look at waiting jobs ends two; others say how the jobs end.
REDIS: Final = """
const fs = require("node:fs");
const { WORKS, FAILS } = process.env;
const state = () => {
  try { return JSON.parse(fs.readFileSync("redis.json", "utf8")); } catch { return {}; }
};
const change = (work) => {
  const found = state();
  const answer = work(found);
  fs.writeFileSync("redis.json", JSON.stringify(found));
  return answer;
};
module.exports = class Redis {
  constructor(settings) { this.settings = settings; }
  on() {}
  async ping() {
    const { password } = this.settings;
    if (password !== "do-not-print") throw new Error(`WRONGPASS ${password}`);
  }
  async get(key) { return state()[key] ?? null; }
  async set(key, value, ...options) {
    if (options.includes("NX") && key in state()) return null;
    return change((all) => { all[key] = value; return "OK"; });
  }
  async del(key) { change((all) => delete all[key]); }
  async pexpire() {}
  async lrange(key) {
    const waiting = state()[key] || [];
    if (WORKS && key.endsWith(":wait") && waiting.length) {
      change((all) => {
        const ended = all[key].splice(0, 2);
        if (FAILS) (all["bull:ingestion-queue:failed"] ??= []).push(...ended);
      });
    }
    return waiting;
  }
  multi() {
    const found = [];
    const look = {
      lrange: (key) => found.push(this.lrange(key)),
      zrange: () => found.push([]),
      exec: async () => (await Promise.all(found)).map((each) => [null, each]),
    };
    return look;
  }
  async zrangebyscore(key) { return state()[key] || []; }
  async hget() { return "NoSuchKey: it is gone\\n at worker.js"; }
  queue(name, jobs) {
    change((all) => {
      const key = `bull:${name}:wait`;
      all[key] = [...(all[key] || []), ...jobs.map((job) => job.opts.jobId)];
      all.jobs = [...(all.jobs || []), ...jobs.map((job) => ({ queue: name, ...job }))];
    });
  }
};
"""
BULLMQ: Final = """
exports.Queue = class Queue {
  constructor(name, { connection }) { Object.assign(this, { name, connection }); }
  toKey(state) { return `bull:${this.name}:${state}`; }
  async addBulk(jobs) { this.connection.queue(this.name, jobs); }
};
"""


class ClickHouse(BaseHTTPRequestHandler):
    """Has every id that it is asked for, but absent ones, and late ones at first."""

    absent: tuple[str, ...] = ()
    late: set[str]
    queries: list[str]

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"])).decode()
        type(self).queries.append(query)
        quoted = re.findall(r"'((?:[^'\\]|\\.)*)'", query.partition(" IN ")[2])
        ids = [each.replace("\\", "") for each in quoted]
        known = self.headers["X-ClickHouse-Key"] == PASSWORD
        self.send_response(200 if known else 403)
        self.end_headers()
        for each in ids if known else ():
            if each in self.late:
                self.late.remove(each)
            elif each not in self.absent:
                self.wfile.write(f"{json.dumps([each])}\n".encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


@pytest.fixture(scope="module")
def clickhouse() -> Iterator[str]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), ClickHouse)) as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"


class Pod:
    """The worker's pod, and kubectl in front of it."""

    def __init__(self, folder: Path, clickhouse: str, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._clickhouse = clickhouse
        self._capture = capture
        self.kubectl = Kubectl(folder)
        for name, script in (("@aws-sdk/client-s3", AWS_SDK), ("ioredis", REDIS)):
            write_module(folder, name, script)
        write_module(folder, "bullmq", BULLMQ)
        objects = {
            f"events/{key}": {"time": f"2020-11-{day}T12:00:00Z", "body": json.dumps(body)}
            for key, (day, body) in OBJECTS.items()
        }
        # An OpenTelemetry job stores more objects while the replay runs.
        objects["events/p/trace/later/e.json"] = {"time": "2999-01-01T00:00:00Z", "body": ""}
        (folder / "objects.json").write_text(json.dumps(objects), encoding="utf-8")
        self.restored("nothing: no backup")
        self.environment(WORKS="1")

    def restored(self, marker: str) -> None:
        self.kubectl.rule("*exec*pod/langfuse-clickhouse-0*", f"echo '{marker}'; echo more")

    def environment(self, **changes: str) -> None:
        variables = {
            "PATH": f"{Path(NODE).parent}:/usr/bin:/bin",
            "LANGFUSE_S3_EVENT_UPLOAD_BUCKET": "b",
            "LANGFUSE_S3_EVENT_UPLOAD_PREFIX": "events/",
            "REDIS_HOST": "redis",
            "REDIS_AUTH": PASSWORD,
            "CLICKHOUSE_URL": self._clickhouse,
            "CLICKHOUSE_PASSWORD": PASSWORD,
            **changes,
        }
        given = " ".join(f"'{name}={value}'" for name, value in variables.items())
        self.kubectl.rule(
            "*exec?--stdin?deployment/langfuse-worker*",
            'while [ "$1" != -- ]; do shift; done; shift; '
            f'cd {self.folder}; exec env -i {given} "$@"',
        )

    def run(self, *arguments: str) -> list[str]:
        """Return what replay.py prints, and its message."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", f"{self.folder}:{os.environ['PATH']}")
            kubeconfig = f"--kubeconfig={self.folder / 'kubeconfig'}"
            patch.setattr("sys.argv", ["replay.py", kubeconfig, *arguments])
            message: object = None
            try:
                replay.main()
            except SystemExit as stop:
                message = stop.code
        said = self._capture.readouterr().out + (f"{message}\n" if message else "")
        assert PASSWORD not in said
        return said.splitlines()

    def redis(self) -> dict[str, Any]:
        file = self.folder / "redis.json"
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return found

    def jobs(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.redis()["jobs"]
        return found


@pytest.fixture
def pod(
    tmp_path: Path,
    clickhouse: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Pod:
    monkeypatch.setattr(ClickHouse, "queries", [], raising=False)
    monkeypatch.setattr(ClickHouse, "absent", ())
    monkeypatch.setattr(ClickHouse, "late", set(), raising=False)
    monkeypatch.setattr(steps, "BATCH", 2)
    monkeypatch.setattr(steps, "POLL_INTERVAL", 0.005)
    monkeypatch.setattr(steps, "SETTLE", 0.0)
    monkeypatch.setattr(progress, "PLAIN_INTERVAL", 0)
    return Pod(tmp_path, clickhouse, capsys)


def test_events_are_ingested_again_and_counted(pod: Pod) -> None:
    said = pod.run()
    assert said[0].startswith("since     1970-01-01T00:00:00+00:00: ClickHouse was not restored")
    assert [line for line in said[1:] if "waiting" not in line] == [
        (
            "found     6 events: 2 OpenTelemetry, 1 trace, 1 observation, 1 score,"
            " 1 dataset run item; 1 other objects"
        ),
        "          2020-11-24  1 events: 1 OpenTelemetry",
        "          2020-11-25  3 events: 1 OpenTelemetry, 1 observation, 1 dataset run item",
        "          2020-11-26  2 events: 1 trace, 1 score; 1 other objects",
        "queued    [##########--------------------]  33% 2 of 6",
        "queued    [####################----------]  67% 4 of 6",
        "queued    [#########################-----]  83% 5 of 6",
        "queued    [##############################] 100% 6 of 6",
        "compared  [##########--------------------]  33% 2 of 6",
        "compared  [####################----------]  67% 4 of 6",
        "compared  [##############################] 100% 6 of 6",
        "compared  2 of 2 traces are in ClickHouse",
        "compared  2 of 2 observations are in ClickHouse",
        "compared  1 of 1 dataset run items are in ClickHouse",
        "compared  1 of 1 scores are in ClickHouse",
        f"done      6 events; {steps.LIMITS}",
    ]
    # What is done leaves nothing to continue.
    assert not [key for key in pod.redis() if key.startswith("langfuse-on-eks")]


def test_jobs_are_those_of_langfuse_with_full_keys(pod: Pod) -> None:
    pod.run("--since=2020-11-24")
    payloads = [(job["queue"], job["name"], job["data"]["payload"]) for job in pod.jobs()]
    scope = {"projectId": "p", "accessLevel": "project"}
    assert payloads[0] == (
        "otel-ingestion-queue",
        "otel-ingestion-job",
        {
            "data": {"fileKey": OTEL_KEY, "publicKey": ""},
            "authCheck": {"validKey": True, "scope": scope},
            "sdkName": "unknown",
            "sdkVersion": "unknown",
        },
    )
    # Evaluators must not run on what evaluators did.
    assert payloads[1][2]["isLangfuseInternal"] is True
    queue, name, payload = payloads[-1]
    assert (queue, name) == ("secondary-ingestion-queue", "ingestion-job")
    assert payload["authCheck"] == {"validKey": True, "scope": {"projectId": "p"}}
    assert payload["data"]["type"] == "trace-create"
    assert payload["data"]["eventBodyId"] == SHORTENED
    assert payload["data"]["fileKey"] == "e"
    assert payload["data"]["bucketPrefix"] == f"events/p/trace/{SHORTENED}/"
    types = {payload["data"].get("type") for *_, payload in payloads[1:]}
    assert types >= {"observation-create", "score-create", "dataset-run-item-create"}
    options = [job["opts"] for job in pod.jobs()]
    assert len({each["jobId"] for each in options}) == 6
    assert all(each["attempts"] == 6 and each["removeOnComplete"] for each in options)


def test_dry_run_counts_and_needs_no_redis(pod: Pod) -> None:
    pod.environment(REDIS_AUTH="another")
    said = pod.run("--dry-run", "--since=2020-11-25")
    assert said[1].startswith("found     5 events: 1 OpenTelemetry")
    assert len(said) == 4
    assert not (pod.folder / "redis.json").exists()
    assert ClickHouse.queries == []


def test_default_begins_before_the_restored_backup(pod: Pod) -> None:
    pod.restored("20201125T123000Z, restored in 5 s")
    said = pod.run("--dry-run")
    assert said[0] == (
        "since     2020-11-25T11:30:00+00:00: an hour before backup 20201125T123000Z, from which"
        " ClickHouse came"
    )
    assert said[1].startswith("found     5 events")


@pytest.mark.parametrize("marker", ["", "nothing: data was there", "20201125"])
def test_without_a_backup_everything_is_replayed(marker: str) -> None:
    assert restored.since(marker)[0] == restored.BEGINNING


def interrupt(pod: Pod, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Interrupt when two events are queued: the queues are full, and nobody works."""

    def interrupted(_: object, step: str, done: int, __: int) -> None:
        if (step, done) == ("queued", 2):
            raise KeyboardInterrupt

    pod.environment()
    with monkeypatch.context() as patch:
        patch.setattr(steps, "MAX_WAITING_JOBS", 1)
        patch.setattr(progress.Progress, "bar", interrupted)
        said = pod.run(*arguments)
    assert said[-1] == "The replay was interrupted. Run it again: it goes on where it was."
    assert len(pod.jobs()) == 2
    pod.environment(WORKS="1")


def test_interrupted_replay_goes_on(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(pod, monkeypatch)
    said = pod.run()
    assert said[1] == "continues an interrupted replay, after 2 events"
    ids = [job["opts"]["jobId"] for job in pod.jobs()]
    assert len(ids) == len(set(ids)) == 6
    assert said[-1].startswith("done      6 events")


@pytest.mark.parametrize(
    ("arguments", "second"),
    [
        (["--restart"], "found     6 events"),
        (["--since=2020-11-24"], "begins    an interrupted replay since 1970-01-01T00:00:00+00:00"),
    ],
)
def test_replay_begins_anew(
    pod: Pod, monkeypatch: pytest.MonkeyPatch, arguments: list[str], second: str
) -> None:
    interrupt(pod, monkeypatch)
    said = pod.run(*arguments)
    assert said[1].startswith(second)
    assert len(pod.jobs()) == 8


def test_replay_begins_anew_on_another_clickhouse(
    pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows may be gone, although the time is the same."""
    interrupt(pod, monkeypatch, "--since=2020-11-24")
    pod.restored("nothing: no backup, later")
    assert pod.run("--since=2020-11-24")[1].startswith("begins    an interrupted replay since")


def test_one_replay_at_a_time(pod: Pod) -> None:
    lock = {"langfuse-on-eks:replay:lock": "of another"}
    (pod.folder / "redis.json").write_text(json.dumps(lock), encoding="utf-8")
    assert pod.run()[-1].startswith("The replay stopped: another replay runs, or was cut off")
    assert pod.redis() == lock


def test_failed_jobs_are_reported(pod: Pod) -> None:
    pod.environment(WORKS="1", FAILS="1")
    assert pod.run()[-1] == (
        "The replay stopped: 6 jobs failed, the last with: NoSuchKey: it is gone. See uv run"
        " kubectl logs -n langfuse deployment/langfuse-worker. Run it again: it goes on where it"
        " was."
    )


def test_missing_rows_are_reported(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClickHouse, "absent", ("0a0b", "it's", "d"))
    said = pod.run()
    assert "compared  1 of 2 traces are in ClickHouse" in said
    assert "compared  0 of 1 scores are in ClickHouse" in said
    # Its dataset may have been deleted.
    assert "compared  0 of 1 dataset run items are in ClickHouse" in said
    assert said[-1].startswith("The replay stopped: 2 rows are missing, such as trace 0a0b. See")


def test_rows_may_come_later_than_their_jobs(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ClickHouse, "late", {"s1", "it's"})
    monkeypatch.setattr(steps, "SETTLE", 30.0)
    assert pod.run()[-1].startswith("done      6 events")


def test_worker_that_stands_still_is_an_error(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    pod.environment()
    monkeypatch.setattr(steps, "STALLED", 0.03)
    said = pod.run()[-1]
    assert said.startswith("The replay stopped: no job has ended in 0.0005 minutes, and 6 are left")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"DENIED": "1"}, "Access Denied ***"),
        ({"REDIS_AUTH": "another-do-not-print"}, "Redis: WRONGPASS ***"),
        ({"CLICKHOUSE_PASSWORD": "other"}, "ClickHouse: answers 403"),
        ({"CLICKHOUSE_URL": "http://127.0.0.1:2"}, "ClickHouse: connect ECONNREFUSED 127.0.0.1:2"),
    ],
)
def test_faults_take_one_line_and_hold_no_secret(
    pod: Pod, changes: dict[str, str], reason: str
) -> None:
    pod.environment(WORKS="1", **changes)
    said = pod.run()
    assert said[-1] == f"The replay stopped: {reason}. Run it again: it goes on where it was."


def test_unknown_faults_are_named_by_their_class(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> str:
        raise KeyError(PASSWORD)

    monkeypatch.setattr(replay, "read_marker", broken)
    assert pod.run() == ["The replay stopped: KeyError. Run it again: it goes on where it was."]


def test_pod_is_away(pod: Pod) -> None:
    pod.kubectl.rule("*exec*", "echo 'error: no pods found' >&2; exit 1")
    assert pod.run()[-1].startswith("The replay stopped: error: no pods found. Run it again")
    pod.restored("")
    pod.kubectl.rule("*exec*deployment*", "exit 0")
    assert pod.run()[-1].startswith("The replay stopped: the script ended early. Run it again")


def test_kubectl_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CheckError, match="kubectl is not on PATH"):
        list(Cluster(tmp_path, {"PATH": str(tmp_path)}).stream("exec"))


def test_since_is_a_time(
    pod: Pod, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["replay.py", f"--kubeconfig={pod.folder}", "--since=soon"])
    with pytest.raises(SystemExit):
        replay.main()
    assert "--since: is no ISO time, such as" in capsys.readouterr().err
    assert replay.iso_time("2020-11-25T10:00+02:00") == replay.iso_time("2020-11-25T08:00")


def test_line_rewrites_itself_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    with progress.Progress() as shown:
        shown.bar("queued", 1, 2)
        shown.under_way("waiting", "for 3")
        shown.step("done", "")
        shown.bar("compared", 0, 0)
    assert capsys.readouterr().out == (
        "\r\033[Kqueued    [###############---------------]  50% 1 of 2"
        "\r\033[Kwaiting   for 3\ndone      \n"
        f"\r\033[Kcompared  [{'#' * 30}] 100% 0 of 0\n"
    )


def test_plain_lines_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.Progress() as shown:
        for done in range(100):
            shown.bar("queued", done, 99)
    assert len(capsys.readouterr().out.splitlines()) == 2
