"""replay.py on the real BullMQ, Redis and SDK of Langfuse, in front of stand-ins of the rest."""

import base64
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

import replay
from capacity.redis import queues, read_state
from progress import Progress
from replaying import steps
from tests.helpers.kubectl import Kubectl
from tests.rehearsal.conftest import WORKER_MODULES, lacks
from tests.rehearsal.stand_ins.aws import KEY, REGION, Aws
from tests.rehearsal.stand_ins.clickhouse_rows import ClickHouseRows
from verification.cluster import Cluster
from verification.redis import ForwardedRedis, Redis

pytestmark = pytest.mark.rehearsal

LIBRARIES: Final = json.loads((WORKER_MODULES / "package.json").read_text("utf-8"))["dependencies"]
WORKER: Final = Path(__file__).with_name("stand_ins") / "langfuse_worker.js"
BUCKET: Final = "langfuse"
PROJECT: Final = "p"
PASSWORD: Final = "do-not-print"  # noqa: S105 - of the stand-in
OTEL: Final = 30
ROWS: Final = {"traces": OTEL + 10, "observations": 2 * OTEL + 10, "scores": 8}


class Pod:
    """The worker's pod: its libraries and environment, and what it talks to."""

    def __init__(self, folder: Path, libraries: Path, redis_port: int) -> None:
        """Start nothing yet."""
        self.folder = folder
        self.aws = Aws()
        self.clickhouse = ClickHouseRows()
        self._libraries = libraries
        self._redis_port = redis_port

    def versions(self) -> set[str]:
        """Return the versions of the real programs, for the report."""
        return {f"{name} {version}" for name, version in LIBRARIES.items()}

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the worker."""
        return {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "LANGFUSE_S3_EVENT_UPLOAD_BUCKET": BUCKET,
            "LANGFUSE_S3_EVENT_UPLOAD_PREFIX": "events/",
            "LANGFUSE_S3_EVENT_UPLOAD_REGION": REGION,
            "LANGFUSE_S3_EVENT_UPLOAD_ENDPOINT": self.aws.url,
            "LANGFUSE_S3_EVENT_UPLOAD_FORCE_PATH_STYLE": "true",
            "REDIS_CONNECTION_STRING": f"redis://default:{PASSWORD}@127.0.0.1:{self._redis_port}/0",
            "CLICKHOUSE_URL": self.clickhouse.url,
        }

    def put(self, key: str, body: object) -> None:
        """Store an object as Langfuse does."""
        self.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=json.dumps(body).encode())

    def start_worker(self) -> subprocess.Popen[str]:
        """Start what takes the jobs."""
        script = self._libraries / WORKER.name
        shutil.copy(WORKER, script)
        return subprocess.Popen(
            ["node", str(script)],
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def node(self, text: str) -> None:
        """Run a script with the libraries."""
        script = self._libraries / "script.js"
        script.write_text(text, encoding="utf-8")
        subprocess.run(["node", str(script)], env=self.environment(), check=True, timeout=60)

    @contextmanager
    def redis(self) -> Iterator[Redis]:
        """Yield a connection to Redis."""
        with socket.create_connection(("127.0.0.1", self._redis_port)) as connection:
            redis = ForwardedRedis(connection)
            redis.run(("AUTH", PASSWORD))
            yield redis

    def forward_redis(self) -> None:
        """Write a kubectl that forwards to Redis, and has its password."""
        kubectl = Kubectl(self.folder)
        kubectl.forward("svc/langfuse-redis-master", self._redis_port)
        password = base64.b64encode(PASSWORD.encode()).decode()
        kubectl.answer("*secret*", {"data": {"redis-password": password}})

    def write_kubectl(self) -> None:
        """Write a kubectl whose ``exec`` runs here."""
        kubectl = Kubectl(self.folder)
        variables = " ".join(f"'{name}={value}'" for name, value in self.environment().items())
        shift = 'while [ "$1" != -- ]; do shift; done; shift'
        kubectl.rule(
            "*exec*deployment/langfuse-worker*",
            f'{shift}; cd {self.folder}; exec env -i {variables} "$@"',
        )
        kubectl.rule("*exec*pod/langfuse-clickhouse-0*", "echo 'nothing: no backup'")


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest, worker_modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pod]:
    """Start a bucket with 60 events, Redis and a ClickHouse that has none of them."""
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        lacks(request, "neither redis-server nor valkey-server is on PATH")
    folder = tmp_path_factory.mktemp("replay")
    (folder / "worker").symlink_to(worker_modules)
    with ExitStack() as stack:
        port = start_redis(stack, str(server), folder)
        pod = Pod(folder, worker_modules, port)
        stack.enter_context(pod.aws)
        stack.enter_context(pod.clickhouse)
        pod.write_kubectl()
        pod.aws.client("s3").create_bucket(Bucket=BUCKET)
        for number in range(OTEL):
            spans = [{"traceId": f"t{number}", "spanId": f"s{number}-{each}"} for each in "ab"]
            key = f"events/otel/{PROJECT}/2026/11/25/08/{number:02}/e{number}.json"
            pod.put(key, [{"scopeSpans": [{"spans": spans}]}])
        # The last score has an id that Langfuse shortens in the key.
        old = {"trace": 10, "observation": 10, "score": 8, "dataset_run_item": 2}
        for kind, wanted in old.items():
            for number in range(wanted):
                name = f"{kind}-{number}"
                segment = "score_0123456789abcdef" if name == "score-7" else name
                pod.put(f"events/{PROJECT}/{kind}/{segment}/e.json", [{"body": {"id": name}}])
        pod.put("events/somebody-left-it.txt", "")
        # S3 tells the time of an object in seconds.
        time.sleep(1.1)
        yield pod


@pytest.fixture(autouse=True)
def _quick(environment: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{environment.folder}:{os.environ['PATH']}")
    monkeypatch.setattr(steps, "BATCH", 10)
    # Without a worker, a replay comes to half of 60.
    monkeypatch.setattr(steps, "MAX_WAITING_JOBS", 25)
    monkeypatch.setattr(steps, "POLL_INTERVAL", 0.05)
    monkeypatch.setattr(steps, "SETTLE", 0.2)
    monkeypatch.setattr(steps, "STALLED", 30.0)


Run = Callable[..., str]


@pytest.fixture
def run(
    environment: Pod, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """Return replay.py as a function: its output, and after that its message if it stopped."""

    def run(*arguments: str) -> str:
        kubeconfig = f"--kubeconfig={environment.folder / 'kubeconfig'}"
        monkeypatch.setattr("sys.argv", ["replay.py", kubeconfig, *arguments])
        message: object = ""
        try:
            replay.main()
        except SystemExit as stop:
            message = stop.code
        said = f"{capsys.readouterr().out}{message}"
        assert PASSWORD not in said
        return said

    return run


def test_interrupted_replay_is_continued(
    environment: Pod, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replay of 60 events of both kinds, interrupted at half, goes on there: no job is doubled.

    Real: BullMQ, ioredis and the SDK in Langfuse's versions, and Redis. Cannot prove: what
    Langfuse's own worker does with a job, kubectl's exec, and the query on the real ClickHouse.
    """
    dry = run("--dry-run")
    assert "60 events: 30 OpenTelemetry, 10 trace, 10 observation, 8 score, 2 dataset" in dry
    bar = Progress.bar

    def interrupted(self: Progress, name: str, done: int, total: int) -> None:
        bar(self, name, done, total)
        if done == 30:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Progress, "bar", interrupted)
        said = run()
    assert said.endswith("The replay was interrupted. Run it again: it goes on where it was.")

    with environment.start_worker() as worker:
        said = run()
        (taken, _) = worker.communicate()
    assert "continues an interrupted replay, after 30 events" in said
    assert "100% 60 of 60" in said
    for row in ("40 of 40 traces", "70 of 70 observations", "8 of 8 scores", "2 of 2 dataset run"):
        assert f"compared  {row}" in said
    assert "done      60 events; not back: events whose objects the bucket no longer has" in said
    jobs = [line for line in taken.splitlines() if not line.endswith("derived.json")]
    assert len(jobs) == len(set(jobs)) == 60
    assert {table: environment.clickhouse.count(table) for table in ROWS} == ROWS


def test_replayed_twice_nothing_is_doubled(environment: Pod, run: Run) -> None:
    """A replay of events that are there already leaves as many rows, and none is missing."""
    with environment.start_worker() as worker:
        said = run("--since=2020-01-01")
        worker.communicate()
    # The traces of OpenTelemetry's events have brought files of their own.
    assert "done      120 events" in said
    assert {table: environment.clickhouse.count(table) for table in ROWS} == ROWS


def test_failed_job_is_reported(environment: Pod, run: Run) -> None:
    """A job that fails for good, and the reason of it, is what a replay ends with."""
    since = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
    environment.put(f"events/{PROJECT}/score/broken/e.json", [{"body": {"id": "broken"}}])
    time.sleep(1.1)
    with environment.start_worker() as worker:
        said = run(f"--since={since}")
        worker.communicate()
    assert "1 jobs failed, the last with: the event is broken. See uv run kubectl logs" in said


def test_redis_or_bucket_away(environment: Pod, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Redis, or without the bucket, one line says so, and without a password."""
    variables = environment.environment()

    def broken(**changes: str) -> str:
        monkeypatch.setattr(environment, "environment", lambda: {**variables, **changes})
        environment.write_kubectl()
        return run()

    nowhere = f"redis://default:{PASSWORD}@127.0.0.1:1/0"
    said = broken(REDIS_CONNECTION_STRING=nowhere)
    assert "The replay stopped: Redis: connect ECONNREFUSED 127.0.0.1:1. Run it again" in said
    said = broken(LANGFUSE_S3_EVENT_UPLOAD_BUCKET="another")
    assert "The replay stopped: The specified bucket does not exist. Run it again" in said


QUEUE_JOBS: Final = """
const { Queue } = require("bullmq");
const Redis = require("ioredis");
const connection = new Redis(process.env.REDIS_CONNECTION_STRING);
const queue = (name) => new Queue(name, { connection });
(async () => {
  const hour = 3600_000;
  const old = { jobId: "a b", timestamp: Date.now() - hour };
  await queue("otel-ingestion-queue").add("old", {}, old);
  await queue("otel-ingestion-queue").add("new", {});
  await queue("trace-upsert").add("later", {}, { delay: hour });
  await queue("score-delete").add("late", {}, { delay: 1 });
  await queue("webhook-queue").pause();
  await queue("webhook-queue").add("held", {});
  process.exit(0);
})();
"""


def test_queues_that_verify_reads(environment: Pod) -> None:
    """verify.py reads memory and queues of a real Redis as BullMQ keeps them."""
    for command in ("FLUSHALL", "CONFIG SET maxmemory 384mb"):
        with environment.redis() as redis:
            redis.run(tuple(command.split()))
    environment.node(QUEUE_JOBS)
    time.sleep(0.1)
    cluster = Cluster(environment.folder / "kubeconfig", {"PATH": os.environ["PATH"]})
    environment.forward_redis()
    state = read_state(cluster)
    assert state.limit_bytes == 384 * 2**20
    assert 0 < state.used_bytes < state.limit_bytes
    found = {each.name: each for each in state.queues if each.waiting}
    assert {name: each.waiting for name, each in found.items()} == {
        "otel-ingestion-queue": 2,
        "score-delete": 1,
        "webhook-queue": 1,
    }
    assert 3600 <= found["otel-ingestion-queue"].oldest_seconds < 3660
    assert 0 < found["score-delete"].oldest_seconds < 60
    assert queues(state).text == (
        "4 jobs wait, the oldest for 1 h in otel-ingestion-queue; see "
        "docs/operations.md#redis-and-its-queues"
    )


def start_redis(
    stack: ExitStack, server: str, folder: Path, *options: str, port_option: str = "--port"
) -> int:
    """Start Redis on a free port, and return the port when it answers.

    Args:
        stack: ends it.
        server: path of redis-server or valkey-server.
        folder: where it runs.
        options: more options.
        port_option: option for the port; with another than ``--port`` it has no plain one.

    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    common = ("--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", "")
    ports = ("--port", "0", port_option, str(port))
    command = [server, *ports, *common, *options]
    process = stack.enter_context(subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL))
    stack.callback(process.terminate)
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return port
    pytest.fail("redis-server does not answer")
