"""Backup and restore of ClickHouse: our two programs, ClickHouse's own engine, and an S3 stand-in.

The engine, chDB, is of ClickHouse 26.7, and the release has 26.3: what differs between them in
BACKUP, RESTORE and s3() is not seen here, nor is the native protocol of clickhouse-client.
"""

import importlib.metadata
import importlib.util
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, TypeVar

import pytest

from tests.helpers.checkout import ROOT
from tests.rehearsal.conftest import lacks
from tests.rehearsal.stand_ins.aws import ACCOUNT, KEY, Aws
from tests.rehearsal.stand_ins.clickhouse import PASSWORD, USER, ClickHouse
from tests.rehearsal.stand_ins.deployments import Deployments
from tests.rehearsal.stand_ins.redis import PASSWORD as REDIS_PASSWORD
from tests.rehearsal.stand_ins.redis import Redis

pytestmark = pytest.mark.rehearsal

PACKAGE: Final = "chdb-core"
BACKUP: Final = ROOT / "in_cluster" / "backup.js"
RESTORE: Final = ROOT / "in_cluster" / "restore.sh"
CLIENT: Final = ROOT / "tests" / "rehearsal" / "stand_ins" / "clickhouse_client.py"
ROLE: Final = f"arn:aws:iam::{ACCOUNT}:role/langfuse-clickhouse"
VERSION: Final = "3.225.11"
WEB: Final = "langfuse-web"
WORKER: Final = "langfuse-worker"
TIME: Final = "%Y%m%dT%H%M%SZ"
OTEL: Final = "bull:otel-ingestion-queue:wait"
DELAYED: Final = "bull:ingestion-queue:delayed"
# A table, and a materialized view that keeps its sums in a table of its own.
SCHEMA: Final = (
    "CREATE TABLE default.events (id UInt64, text String) ENGINE = MergeTree ORDER BY id",
    "CREATE TABLE default.sums (day UInt8, rows UInt64) ENGINE = SummingMergeTree ORDER BY day",
    """CREATE MATERIALIZED VIEW default.summing TO default.sums AS
        SELECT toUInt8(id % 7) AS day, count() AS rows FROM default.events GROUP BY day""",
    "CREATE TABLE default.schema_migrations (version Int64) ENGINE = MergeTree ORDER BY version",
    "INSERT INTO default.schema_migrations VALUES (37)",
)


class World:
    """A pod of ClickHouse, its volumes, the buckets, and the pod of a backup."""

    def __init__(self, folder: Path, aws: Aws, clickhouse: ClickHouse, redis: Redis) -> None:
        """Put the programs of ClickHouse's image where restore.sh looks for them."""
        self.aws = aws
        self.clickhouse = clickhouse
        self.redis = redis
        self.s3 = aws.client("s3")
        self.deployments = Deployments()
        self.bucket = ""
        self.volume = folder
        self.program = BACKUP
        self._folder = folder
        self._programs = folder / "programs"
        self._programs.mkdir()
        client = self._programs / "clickhouse-client"
        client.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "{CLIENT}" "$@"\n', "utf-8")
        # It would wait for everything that this machine writes.
        (self._programs / "sync").write_text("#!/bin/sh\n", "utf-8")
        for program in self._programs.iterdir():
            program.chmod(0o755)
        # Itself: what is on PATH may be a program of Python that starts it, and keeps its signals.
        command = ["node", "-p", "process.execPath"]
        self._node = subprocess.check_output(command, text=True).strip()
        self._count = 0
        self._newest = ""

    def versions(self) -> set[str]:
        """Return the version of the engine, for the report."""
        return {f"{PACKAGE} {importlib.metadata.version(PACKAGE)}"}

    def begin(self, bucket: str = "") -> None:
        """Come to a new bucket, and a new volume."""
        self._count += 1
        self.bucket = bucket or f"langfuse-{self._count}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_versioning(
            Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"}
        )
        self.deployments = Deployments()
        self.redis.lengths.clear()
        self.new_volume()

    def new_volume(self) -> None:
        """Start ClickHouse on an empty volume, without its script."""
        self._count += 1
        self.volume = self._folder / f"volume-{self._count}"
        self.volume.mkdir()
        self.clickhouse.open(self.volume)

    def start(self, version: str = VERSION) -> "subprocess.CompletedProcess[str]":
        """Start ClickHouse on its volume, and run the script as its entrypoint does."""
        self.clickhouse.open(self.volume)
        return subprocess.run(
            [RESTORE],
            env={
                "PATH": f"{self._programs}:{os.environ['PATH']}",
                "CLICKHOUSE_URL": self.clickhouse.url,
                "CLICKHOUSE_PASSWORD": PASSWORD,
                "BACKUPS_URL": self._backups_url,
                "LANGFUSE_VERSION": version,
                "DATA_DIRECTORY": str(self.volume),
                "POLL_SECONDS": "0.1",
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def back_up(self, task: str = "daily", **variables: str) -> "subprocess.CompletedProcess[str]":
        """Run backup.js to its end."""
        process = self.begin_backup(task, **variables)
        out, err = process.communicate(timeout=120)
        self._newest = max((self._newest, *re.findall(r"\d{8}T\d{6}Z", out + err)))
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def begin_backup(self, task: str, **variables: str) -> "subprocess.Popen[str]":
        """Run backup.js, at another second than the one before: the time is the name."""
        while time.strftime(TIME, time.gmtime()) <= self._newest:
            time.sleep(0.02)
        return subprocess.Popen(
            [self._node, self.program, task],
            cwd=self._folder,
            env={
                "PATH": os.environ["PATH"],
                **self.clickhouse.identity,
                "AWS_ENDPOINT_URL_STS": self.aws.url,
                "S3_ENDPOINT": self.aws.url,
                "BACKUPS_BUCKET": self.bucket,
                "BACKUPS_URL": self._backups_url,
                "BACKUPS_KEPT": "7",
                "CLICKHOUSE_URL": self.clickhouse.url,
                "CLICKHOUSE_USER": USER,
                "CLICKHOUSE_PASSWORD": PASSWORD,
                "LANGFUSE_VERSION": VERSION,
                "REDIS_HOST": "127.0.0.1",
                "REDIS_PORT": str(self.redis.port),
                "REDIS_PASSWORD": REDIS_PASSWORD,
                "DRAIN_SECONDS": "600",
                "NAMESPACE": "langfuse",
                "POLL_SECONDS": "0.05",
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def _backups_url(self) -> str:
        return f"{self.aws.url}/{self.bucket}/clickhouse"

    def rows(self, table: str = "events") -> int:
        """Return the number of rows, as the engine counts them."""
        return int(self.clickhouse.query(f"SELECT count() FROM default.{table}"))  # noqa: S608

    def sums(self) -> list[int]:
        """Return what the materialized view has summed, and what it should have."""
        view = "SELECT sum(rows) FROM default.sums GROUP BY day ORDER BY day"
        table = "SELECT count() FROM default.events GROUP BY id % 7 ORDER BY id % 7"
        summed, counted = (self.clickhouse.query(text).split() for text in (view, table))
        assert summed == counted
        return [int(each) for each in summed]

    def ingest(self, rows: int) -> None:
        """Insert more rows into Langfuse's tables, or what stands for them here."""
        if not self.clickhouse.query("SHOW TABLES FROM default"):
            for statement in SCHEMA:
                self.clickhouse.query(statement)
        text = "number, repeat('x', number % 100)"
        self.clickhouse.query(f"INSERT INTO default.events SELECT {text} FROM numbers({rows})")  # noqa: S608
        # A backup has about ten files for each part.
        for table in ("events", "sums"):
            self.clickhouse.query(f"OPTIMIZE TABLE default.{table} FINAL")

    def backups(self) -> dict[str, bool]:
        """Return the times of all backups in the bucket, and whether each is complete."""
        keys = {*self.keys()}
        times = {key.split("/")[1] for key in keys if key.count("/") > 1}
        return {each: f"clickhouse/{each}/.backup" in keys for each in times}

    def keys(self) -> list[str]:
        """Return the keys of all objects."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        return [each["Key"] for page in pages for each in page.get("Contents", [])]

    def versions_of(self, backup: str) -> int:
        """Return the number of versions and delete markers of a backup's objects."""
        found = self.s3.list_object_versions(Bucket=self.bucket, Prefix=f"clickhouse/{backup}/")
        return len(found.get("Versions", [])) + len(found.get("DeleteMarkers", []))

    def copy(self, backup: str, to: str, *, complete: bool = True) -> None:
        """Copy what tells a backup and a little more, as if it had been made at another time."""
        parts = f"clickhouse/{backup}/data/"
        for key in self.keys():
            if not key.startswith(f"clickhouse/{backup}/") or key.startswith(parts):
                continue
            if complete or ".backup" not in key:
                self.s3.copy_object(
                    Bucket=self.bucket,
                    Key=key.replace(backup, to),
                    CopySource={"Bucket": self.bucket, "Key": key},
                )

    def put(self, name: str, text: str) -> None:
        """Put an object beside the backups."""
        self.s3.put_object(Bucket=self.bucket, Key=f"clickhouse/{name}", Body=text.encode())

    def data_version(self) -> tuple[str, str]:
        """Return the version that Terraform takes the data for, and the type of its object."""
        found = self.s3.get_object(Bucket=self.bucket, Key="clickhouse/langfuse")
        return found["Body"].read().decode(), found["ContentType"]

    @contextmanager
    def refused(self, call: str) -> Iterator[None]:
        """Have S3 refuse all calls like this one."""
        self.aws.fail_next(999, 403, "AccessDenied", f"s3:{call}$")
        yield
        self.aws.forgive()

    def markers(self) -> dict[str, str]:
        """Return the markers on the volume."""
        names = ("restoring", "restored", "restored.new")
        files = [self.volume / name for name in names if (self.volume / name).exists()]
        return {file.name: file.read_text(encoding="utf-8").strip() for file in files}


WorldT = TypeVar("WorldT", bound=World)


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest,
    mirror: Path,  # noqa: ARG001 - says why there is no rehearsal at all
    worker_modules: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[World]:
    """Start a world, or skip without the engine or the modules of Langfuse's worker."""
    folder = tmp_path_factory.mktemp("backups")
    with start_world(request, worker_modules, folder, World) as world:
        yield world


@contextmanager
def start_world(
    request: pytest.FixtureRequest, worker_modules: Path, folder: Path, kind: type[WorldT]
) -> Iterator[WorldT]:
    """Start a world in a folder, or skip without the engine."""
    if importlib.util.find_spec("chdb") is None:
        lacks(request, f"no {PACKAGE}; run: uv run --all-groups pytest -m rehearsal")
    # Where the image has them.
    (folder / "worker").symlink_to(worker_modules)
    server = folder / "server"
    server.mkdir()
    with ExitStack() as stack:
        aws = stack.enter_context(Aws(folder / "aws.log", audited=False))
        clickhouse = stack.enter_context(ClickHouse(server, aws.url, ROLE))
        redis = stack.enter_context(Redis())
        yield kind(folder, aws, clickhouse, redis)


@pytest.fixture
def world(environment: World) -> World:
    """Return the world with an empty bucket and an empty volume."""
    environment.begin()
    return environment


@pytest.fixture
def cluster(world: World) -> Iterator[World]:
    """Return the world with Langfuse's deployments."""
    with world.deployments:
        yield world


def last(cluster: World, **variables: str) -> "subprocess.CompletedProcess[str]":
    return cluster.back_up("last", KUBERNETES_URL=cluster.deployments.url, **variables)


def good(done: "subprocess.CompletedProcess[str]") -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def bad(done: "subprocess.CompletedProcess[str]") -> str:
    """Return the line of a failure: there is one, and no trace of a stack."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert "failed: " in done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    return done.stderr


def test_backup_and_restore(world: World) -> None:
    """A backup restored on a new volume has the same rows, and its materialized view is live.

    Every request to S3 is signed with credentials of the role that STS gave for the pod's token,
    both ClickHouse's and the job's.

    Cannot prove: the same of ClickHouse 26.3, real S3 and IAM; how long it takes with real sizes.
    """
    world.ingest(1000)
    assert "1007 rows in " in good(world.back_up())
    ((backup, complete),) = world.backups().items()
    assert complete
    version = world.s3.get_object(Bucket=world.bucket, Key=f"clickhouse/{backup}/langfuse")
    assert version["Body"].read().decode() == f"{VERSION}\n"

    world.new_volume()
    assert f"restoring {backup} of Langfuse {VERSION}\n" in good(world.start())
    assert re.fullmatch(
        rf"{backup} restored at \S+Z in \d+ s: \d+ rows of Langfuse {VERSION}",
        world.markers()["restored"],
    )
    assert list(world.markers()) == ["restored"]
    assert world.rows() == 1000
    assert sum(world.sums()) == 1000
    world.ingest(500)
    assert sum(world.sums()) == world.rows() == 1500
    assert world.clickhouse.query("SELECT version FROM default.schema_migrations") == "37"

    calls = world.aws.calls()
    assert "unsigned:AssumeRoleWithWebIdentity" in calls
    assert not [each for each in calls if each.startswith("unsigned:") and world.bucket in each]
    # Two sessions, of ClickHouse and of the job, besides the tests' own key.
    signers = {*world.aws.signers("s3")} - {KEY}
    assert len(signers) == 2
    for key in signers:
        arn = world.aws.client("sts", key=key).get_caller_identity()["Arn"]
        assert arn.startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/langfuse-clickhouse/")


def test_starts_again(world: World) -> None:
    """A volume with a restore behind it, or with data of its own, is never restored over."""
    world.ingest(100)
    good(world.back_up())
    assert good(world.start()) == "restore: nothing: data was there\n"
    world.ingest(10)
    assert "nothing to do; done before: nothing: data was there" in good(world.start())
    assert world.rows() == 110

    world.new_volume()
    good(world.start())
    world.ingest(10)
    assert "nothing to do; done before: " in good(world.start())
    assert world.rows() == 110
    # Nor would the engine do it.
    (backup,) = world.backups()
    url = f"{world.aws.url}/{world.bucket}/clickhouse/{backup}/"
    with pytest.raises(RuntimeError, match="already contains some data"):
        world.clickhouse.query(f"RESTORE DATABASE default FROM S3('{url}')")
    assert world.rows() == 110


def test_first_start(world: World) -> None:
    """Without a backup, ClickHouse starts empty, and remembers that there was none."""
    assert good(world.start()) == "restore: nothing: no backup\n"
    assert world.markers() == {"restored": "nothing: no backup"}


def test_empty_store(world: World) -> None:
    """A store without rows is not backed up, and deletes no backup."""
    world.ingest(10)
    good(world.back_up())
    good(world.back_up())
    before = world.backups()
    world.clickhouse.query("TRUNCATE TABLE default.events")
    world.clickhouse.query("TRUNCATE TABLE default.sums")
    assert "ClickHouse is empty" in good(world.back_up(BACKUPS_KEPT="1"))
    assert world.backups() == before
    world.new_volume()
    assert "ClickHouse is empty" in good(world.back_up())


def test_interrupted_backup(world: World) -> None:
    """A backup that did not end is not restored; the one before it is."""
    world.ingest(100)
    good(world.back_up())
    (first,) = world.backups()
    world.ingest(100)
    # Neither its last file nor its cleaning up: so a server leaves it that is killed.
    with world.refused(r"(PUT .*/\.backup|DELETE .*|POST .*)"):
        assert "S3" in bad(world.back_up())
    later = [time for time, complete in world.backups().items() if not complete]
    assert len(later) == 1
    assert later[0] > first
    world.new_volume()
    assert f"restoring {first}" in good(world.start())
    assert world.rows() == 100


def test_half_a_restore(world: World) -> None:
    """A restore that ended half-way is dropped and begun again."""
    world.ingest(300)
    good(world.back_up())
    (backup,) = world.backups()
    world.new_volume()
    with world.refused(r"GET .*/data/default/events/.*/data\.bin"):
        assert f"backup {backup}: RESTORE_FAILED" in bad(world.start())
    assert world.markers() == {"restoring": backup}
    # As after a crash between two tables.
    world.ingest(5)
    assert f"beginning again: the restore of {backup} did not end" in good(world.start())
    assert list(world.markers()) == ["restored"]
    assert sum(world.sums()) == world.rows() == 300


def test_several_backups(world: World) -> None:
    """The newest backup is restored, or the one that was chosen, which is for one restore."""
    for rows in (100, 50, 25):
        world.ingest(rows)
        good(world.back_up())
    first, second, third = sorted(world.backups())
    world.put("chosen", f"{second}\n")
    world.new_volume()
    assert f"restoring {second} " in good(world.start())
    assert world.rows() == 150
    world.new_volume()
    assert f"restoring {third} " in good(world.start())
    assert world.rows() == 175
    for absent in ("20200101T000000Z", "latest"):
        world.put("chosen", absent)
        world.new_volume()
        assert f"the chosen backup {absent} is not there" in bad(world.start())
        assert world.markers() == {}
    assert first in world.backups()


def test_s3_refuses(world: World) -> None:
    """Whichever request S3 refuses, a backup fails without harm, and ClickHouse does not start.

    Afterwards both go through: what was half done is no backup, and no restored store.
    """
    world.ingest(10)
    good(world.back_up())
    (made,) = world.backups()
    for older in ("20260101T000000Z", "20260102T000000Z"):
        world.copy(made, older)
    kept = world.backups()
    for call in (r"PUT .*/langfuse", r"PUT .*/\.lock", r"PUT .*/data/.*", r"PUT .*/\.backup"):
        with world.refused(call):
            assert "uv run backups.py --now" in bad(world.back_up(BACKUPS_KEPT="2"))
        assert {each for each, complete in world.backups().items() if complete} == {*kept}
    # Of pruning: the backup is made, and none is deleted.
    for call in (f"GET /{world.bucket}/?", f"POST /{world.bucket}/?"):
        with world.refused(call):
            assert "S3 refuses" in bad(world.back_up(BACKUPS_KEPT="2"))
    assert len([each for each in world.backups().values() if each]) == len(kept) + 2

    world.put("chosen", "newest")
    world.new_volume()
    calls = (f"GET /{world.bucket}/?", r".* .*/chosen", r".* .*/langfuse")
    for call in calls:
        with world.refused(call):
            assert "S3_ERROR" in bad(world.start())
        assert world.markers() == {}
    for call in (r".* .*/\.backup", r"GET .*/metadata/.*", r"GET .*/data/.*"):
        with world.refused(call):
            assert "RESTORE_FAILED" in bad(world.start())
        assert list(world.markers()) == ["restoring"]
    good(world.start())
    assert sum(world.sums()) == world.rows() == 10


def test_newer_langfuse(world: World) -> None:
    """A backup of a newer Langfuse than the one deployed is refused; of an older one it is not."""
    world.ingest(10)
    good(world.back_up(LANGFUSE_VERSION="3.225.11"))
    for version in ("3.225.9", "3.99.0"):
        world.new_volume()
        line = bad(world.start(version))
        assert f"is of Langfuse 3.225.11; {version} is older" in line
        assert world.markers() == {}
    good(world.start("4.0.0"))
    assert world.rows() == 10


def test_nothing_is_restored_as_chosen(world: World) -> None:
    """With the choice `none`, ClickHouse starts empty, once."""
    world.ingest(10)
    good(world.back_up())
    world.put("chosen", "none\n")
    world.new_volume()
    assert good(world.start()) == "restore: nothing: as chosen\n"
    assert world.markers() == {"restored": "nothing: as chosen"}
    world.new_volume()
    good(world.start())
    assert world.rows() == 10


def test_retention(world: World) -> None:
    """The newest are kept, never below two, the chosen one, and the way back to Langfuse 3.

    All versions of others go.

    Incomplete ones go once they are older than a day and than a complete one.
    """
    world.ingest(10)
    good(world.back_up())
    (made,) = world.backups()
    old = [f"2026010{day}T000000Z" for day in range(1, 6)]
    for each in old:
        world.copy(made, each)
    incomplete = "20260102T120000Z"
    world.copy(made, incomplete, complete=False)
    fresh = time.strftime(TIME, time.gmtime(time.time() - 3600))
    world.copy(made, fresh, complete=False)
    # Noncurrent versions and delete markers, as in a bucket that is older.
    world.copy(made, old[0])
    world.s3.delete_object(Bucket=world.bucket, Key=f"clickhouse/{old[0]}/langfuse")
    world.put("chosen", old[1])
    # The way back to Langfuse 3.
    oldest = "20251231T000000Z"
    world.copy(made, oldest)
    world.put("way-back", f"{oldest} final-langfuse-way-back-1 {VERSION} 2026-01-01T00:00:00Z\n")
    out = good(world.back_up(BACKUPS_KEPT="4"))
    newest = max(world.backups())
    assert sorted(world.backups()) == [oldest, old[1], *old[3:], fresh, made, newest]
    assert f"deleted {old[0]}: " in out
    assert f"deleted the incomplete {incomplete}: " in out
    for gone in (old[0], old[2], incomplete):
        assert world.versions_of(gone) == 0
    good(world.back_up(BACKUPS_KEPT="0"))
    assert sorted(world.backups()) == [oldest, old[1], fresh, newest, max(world.backups())]
    # Nothing else of the mark is a backup.
    world.put("way-back", f"- final-langfuse-way-back-1 {VERSION} 2026-01-01T00:00:00Z\n")
    good(world.back_up(BACKUPS_KEPT="0"))
    assert oldest not in world.backups()


def test_last_backup(cluster: World) -> None:
    """Before a destroy: web stops, the queues drain, the worker stops, the backup is made.

    It waits for pods that are ending, and leaves two backups.
    """
    cluster.ingest(10)
    for _ in range(2):
        good(cluster.back_up())
    cluster.redis.lengths[:] = [{}, {OTEL: 3, DELAYED: 2}, {OTEL: 1}, {DELAYED: 1}]
    out = good(last(cluster))
    steps = (
        "langfuse-web is stopped",
        "the queues are empty",
        "langfuse-worker is stopped",
        "rows in",
        "deleted",
        "kept",
    )
    assert [step for line in out.splitlines() for step in steps if step in line] == [*steps]
    (web, _, none), (worker, _, nothing) = ((*each,) for each in cluster.deployments.changes)
    assert none == nothing == 0
    begun = [at for at, text in cluster.clickhouse.queries() if text.startswith("BACKUP")][-1]
    drained = cluster.redis.counted[-1]
    gone = cluster.deployments.gone
    assert web < gone[WEB] < drained < worker < gone[WORKER] < begun
    assert cluster.deployments.replicas == {WEB: 0, WORKER: 0}
    assert len(cluster.backups()) == 2
    assert cluster.data_version() == (f"{VERSION}\n", "text/plain")


def test_last_backup_does_not_wait_for_ever(cluster: World) -> None:
    """Queues that do not drain in time do not stop a destroy; it says how many jobs are left."""
    cluster.ingest(10)
    cluster.redis.lengths[:] = [{OTEL: 7}] * 500
    out = good(last(cluster, DRAIN_SECONDS="1"))
    assert "7 jobs are left. Their events are in the bucket: uv run replay.py" in out
    assert len(cluster.backups()) == 1


def test_last_backup_fails(cluster: World) -> None:
    """If the last backup fails, or is ended, web and worker start again, and the destroy stops."""
    cluster.ingest(10)
    cluster.deployments.replicas[WEB] = 2
    with cluster.refused("PUT .*/langfuse"):
        line = bad(last(cluster))
    assert "AccessDenied" in line
    assert "nothing was destroyed" in line
    assert cluster.deployments.replicas == {WEB: 2, WORKER: 1}

    cluster.redis.lengths[:] = [{OTEL: 7}] * 1000
    process = cluster.begin_backup("last", KUBERNETES_URL=cluster.deployments.url)
    while cluster.deployments.replicas[WEB]:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert "the job was told to end" in err
    assert process.returncode == 1
    assert cluster.deployments.replicas == {WEB: 2, WORKER: 1}
    # One that was killed leaves them stopped: for the next one, and for a deploy.
    cluster.redis.lengths.clear()
    cluster.deployments.replicas.update({WEB: 0, WORKER: 0})
    with cluster.refused("PUT .*/langfuse"):
        bad(last(cluster))
    assert cluster.deployments.replicas == {WEB: 1, WORKER: 1}
    cluster.deployments.replicas.update({WEB: 0, WORKER: 0})
    good(cluster.back_up("resume", KUBERNETES_URL=cluster.deployments.url))
    assert cluster.deployments.replicas == {WEB: 1, WORKER: 1}
    assert not any(cluster.backups().values())


def test_version_of_the_data(cluster: World) -> None:
    """A deploy and a destroy leave the version of the data, with an empty ClickHouse too.

    Where migrations of Langfuse 4 have begun, Jobs of Langfuse 3 leave a 4.
    """
    good(cluster.back_up("resume", KUBERNETES_URL=cluster.deployments.url))
    assert cluster.data_version() == (f"{VERSION}\n", "text/plain")
    good(last(cluster, LANGFUSE_VERSION="4.53.0"))
    assert cluster.data_version() == ("4.53.0\n", "text/plain")
    cluster.ingest(10)
    cluster.clickhouse.query("CREATE TABLE default.events_full (a Int8) ENGINE = Memory")
    good(last(cluster))
    assert cluster.data_version() == ("4\n", "text/plain")
    (backup,) = cluster.backups()
    label = cluster.s3.get_object(Bucket=cluster.bucket, Key=f"clickhouse/{backup}/langfuse")
    assert label["Body"].read() == b"4\n"


@pytest.mark.parametrize(
    ("variables", "reason"),
    [
        ({"CLICKHOUSE_URL": "http://127.0.0.1:9"}, "ClickHouse does not answer"),
        ({"CLICKHOUSE_PASSWORD": "another"}, "Authentication failed"),
        ({"REDIS_PORT": "9"}, "Redis does not answer"),
        ({"NAMESPACE": "elsewhere"}, "Kubernetes answers 404"),
    ],
)
def test_last_backup_of_a_broken_installation(
    cluster: World, variables: dict[str, str], reason: str
) -> None:
    """Where ClickHouse, Redis or Langfuse are not there, nothing is stopped, and it fails."""
    assert reason in bad(last(cluster, **variables))
    assert cluster.deployments.changes == []


def test_three_lives(cluster: World) -> None:
    """Three times destroyed and deployed again, it has every row; two backups stay."""
    for life in (1, 2, 3):
        good(cluster.start())
        if life > 1:
            assert cluster.rows() == (life - 1) * 1000
        cluster.ingest(1000)
        assert sum(cluster.sums()) == cluster.rows() == life * 1000
        good(last(cluster))
        cluster.deployments.replicas.update({WEB: 1, WORKER: 1})
        cluster.new_volume()
    good(cluster.start())
    assert sum(cluster.sums()) == cluster.rows() == 3000
    assert len(cluster.backups()) == 2


OBSERVATIONS: Final = "SELECT count(), groupBitXor(cityHash64(*)) FROM default.observations"


def migrate(world: World, folder: Path, after: str = "") -> None:
    """Run Langfuse's migrations, as golang-migrate splits them; or those after a number."""
    files = sorted(file for file in folder.glob("*.up.sql") if file.name[:4] > after)
    if not files:
        pytest.skip(f"no migrations in {folder}")
    for file in files:
        for statement in file.read_text(encoding="utf-8").split(";"):
            if statement.strip():
                world.clickhouse.query(statement)


def observe(world: World, rows: int) -> None:
    """Insert observations."""
    world.clickhouse.query(
        "INSERT INTO default.observations (id, trace_id, project_id, type, start_time, name,"  # noqa: S608
        " input, created_at, updated_at, event_ts) SELECT toString(number), toString(number % 500),"
        " 'default-project', 'SPAN', toDateTime64('2026-11-27 00:00:00', 3) + number, 'span',"
        f" repeat('x', number % 1000), now(), now(), now() FROM numbers({rows})"
    )


def test_schema_of_langfuse(world: World, mirror: Path) -> None:
    """5,000 observations in Langfuse's own schema come back, the same to the last byte."""
    migrate(world, mirror / "langfuse-migrations" / "v3")
    observe(world, 5000)
    before = world.clickhouse.query(OBSERVATIONS)
    tables = world.clickhouse.query("SHOW TABLES FROM default")
    assert before.startswith("5000\t")
    good(world.back_up())
    world.new_volume()
    good(world.start())
    assert world.clickhouse.query(OBSERVATIONS) == before
    assert world.clickhouse.query("SHOW TABLES FROM default") == tables
    assert world.clickhouse.query("SELECT count() FROM default.analytics_observations") != ""
