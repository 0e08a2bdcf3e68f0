"""What upgrade.py checks, makes and restores, in front of an account and a cluster."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto.core.models import MockAWS

import upgrade
from backing_up import clickhouse, database, job, listing, prune, way_back
from backing_up.account import Account, BackupError
from backing_up.way_back import WayBack
from env_file import load_settings
from progress import Progress
from settings import Settings
from tests.helpers.aws_account import BUCKET, NAME, StandIn, account_with, refusal
from tests.helpers.kubectl import OWN, Kubectl
from tests.helpers.serving import serving
from tests.helpers.synthesis import BASE_ENV, ENV
from upgrading import back, preconditions, there
from verification.cluster import CheckError, Cluster

GIGABYTE = 2**30
BACKUP = "20261125T101112Z"
VERSION = "3.225.11"
CRON: dict[str, Any] = {"status": {}}
DONE = {
    "spec": {"activeDeadlineSeconds": 60},
    "status": {"conditions": [{"type": "Complete", "status": "True"}]},
}


class Web(BaseHTTPRequestHandler):
    """Langfuse's web, as far as its version."""

    version = VERSION

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/api/public/health" else 404)
        self.end_headers()
        self.wfile.write(json.dumps({"status": "OK", "version": self.version}).encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Web)) as server:
        yield server.server_address[1]


@pytest.fixture
def kubectl(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    """Return a cluster in which all preconditions hold, and ClickHouse is empty."""
    monkeypatch.setattr(Web, "version", VERSION)
    monkeypatch.setattr(job, "POLL_INTERVAL", 0.01)
    monkeypatch.setattr(database, "POLL_INTERVAL", 0.01)
    kubectl = Kubectl(tmp_path)
    kubectl.forward("svc/langfuse-web", port)
    kubectl.rule("*exec?deployment/langfuse-worker*", "echo '[]'")
    kubectl.rule("*exec?pod/langfuse-clickhouse-0*", f"echo '{20 * GIGABYTE} {6 * GIGABYTE}'")
    kubectl.answer("*get?cronjobs*", {"items": [CRON]})
    kubectl.rule("*create?job*", "true")
    kubectl.answer("*get?job/*", DONE)
    kubectl.rule("*logs*", "echo 'backup: ClickHouse is empty'")
    return kubectl


@pytest.fixture
def cluster(tmp_path: Path, kubectl: Kubectl) -> Cluster:
    assert kubectl
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


@pytest.fixture
def settings() -> Settings:
    return load_settings(BASE_ENV)


@pytest.fixture
def aws() -> StandIn:
    return StandIn(instances=[{"DBInstanceIdentifier": NAME}])


@pytest.fixture
def account(aws: StandIn, moto: MockAWS, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr(database, "POLL_INTERVAL", 0.01)
    moto.reset()
    account = account_with(aws)
    account.client("s3").create_bucket(Bucket=BUCKET)
    return account


def back_up(account: Account, time: datetime | None = None) -> str:
    """Make a backup as the Job does."""
    name = f"{time:{clickhouse.TIME}}" if time else BACKUP
    for file in ("langfuse", "data/part", ".backup"):
        key = f"clickhouse/{name}/{file}"
        account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"1")
    return name


@pytest.fixture
def prepare(
    cluster: Cluster, account: Account, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], str]:
    """Return a function that runs upgrade.py, with a Job that backs up, and returns its words."""
    times = [datetime(2026, 11, 25, 10, minute, tzinfo=UTC) for minute in (11, 12, 13)]

    def back_up_now(_: Cluster, say: Callable[[str], object]) -> None:
        say(f"backup: {back_up(account, times.pop(0))}: 5 rows")

    monkeypatch.setattr(there, "back_up_now", back_up_now)

    def run() -> str:
        said: list[str] = []
        there.prepare(cluster, account, settings, said.append)
        return "\n".join(said)

    return run


def objects(account: Account) -> list[str]:
    listed = account.client("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return [each["Key"] for each in listed]


# --- there


def test_both_backups_are_made_and_marked(
    prepare: Callable[[], str],
    account: Account,
    aws: StandIn,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    said = prepare()
    marked = way_back.find(account)
    assert marked
    (snapshot,) = aws.snapshots
    assert (marked.backup, marked.version) == ("20261125T101100Z", VERSION)
    assert marked.snapshot == snapshot["DBSnapshotIdentifier"]
    assert marked.snapshot == f"final-langfuse-way-back-{marked.time:%Y%m%dt%H%M%Sz}"
    assert before <= marked.time <= datetime.now(UTC)
    assert snapshot["TagList"] == [{"Key": "Project", "Value": NAME}]
    assert snapshot["Status"] == "available"
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "langfuse  3.225.11",
        "migrated  all background migrations have finished",
        "disk      6.0 GB of data on 20.0 GB",
    ]
    assert f"snapshot  {marked.snapshot}: creating, 40 %" in lines
    assert lines[-1] == "marked    way back to Langfuse 3"
    assert "backup: 20261125T101100Z: 5 rows" in said
    assert "set LANGFUSE_MAJOR=4 in .env" in said


def test_again_moves_the_mark_and_the_older_pair_is_pruned(
    prepare: Callable[[], str], account: Account, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare()
    first = way_back.find(account)
    assert first

    # Another second: it is part of the name.
    later = SimpleNamespace(now=lambda zone: datetime.now(zone) + timedelta(seconds=1))
    monkeypatch.setattr(there, "datetime", later)
    prepare()
    second = way_back.find(account)
    assert second
    assert second.backup == "20261125T101200Z"
    for hours in (1, 2):
        time = datetime.now(UTC) + timedelta(hours=hours)
        back_up(account, time)
        aws.snapshot(f"final-langfuse-{hours}", time)
    pruned = {each.name for each in prune.superfluous(account, 2)}
    assert pruned == {first.backup, first.snapshot}


def test_a_failed_snapshot_leaves_no_mark(
    prepare: Callable[[], str], account: Account, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        for each in aws.snapshots:
            each["Status"] = "failed"

    monkeypatch.setattr(aws, "look", fail)
    with pytest.raises(BackupError, match=r"way-back-\S+ is not complete: failed, 40 %"):
        prepare()
    assert way_back.find(account) is None


def test_a_snapshot_that_does_not_end(
    prepare: Callable[[], str], account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LONGEST", 0.0)
    with pytest.raises(BackupError, match="is not complete"):
        prepare()
    assert way_back.find(account) is None


def test_empty_clickhouse_needs_no_backup(
    cluster: Cluster, account: Account, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """The Job ends well and makes none; one of before, when there were traces, is not taken."""
    back_up(account)
    said: list[str] = []
    there.prepare(cluster, account, settings, said.append)
    assert "backup: ClickHouse is empty" in said
    marked = way_back.find(account)
    assert marked
    assert marked.backup is None
    assert "clickhouse is empty: going back will restore nothing" in capsys.readouterr().out


# --- preconditions


def failure(cluster: Cluster, settings: Settings) -> str:
    with pytest.raises(BackupError) as failed, Progress() as progress:
        preconditions.check(cluster, settings, progress)
    return str(failed.value)


def test_env_is_changed_afterwards(cluster: Cluster, settings: Settings) -> None:
    settings = settings.model_copy(update={"langfuse_major": 4})
    said = failure(cluster, settings)
    assert said.startswith("LANGFUSE_MAJOR is 4 in .env already; set it to 3 until")


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("3.225.10", "is 3.225.10, and Langfuse 4 wants 3.225.11 or later before it: deploy app"),
        ("3.99.0", "deploy app with LANGFUSE_MAJOR=3 first"),
        ("4.53.0", "is 4.53.0: only a Langfuse 3 can be prepared"),
        ("2.95.1", "is 2.95.1: only a Langfuse 3"),
        (None, "is None: only a Langfuse 3"),
    ],
)
def test_version_is_too_old_or_another(
    cluster: Cluster,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    said: str,
) -> None:
    monkeypatch.setattr(Web, "version", version)
    assert said in failure(cluster, settings)


@pytest.mark.parametrize("version", ["3.225.11", "3.226.0", "3.225.11-rc.1"])
def test_version_is_recent_enough(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(Web, "version", version)
    assert preconditions.running_version(cluster) == version


def test_background_migrations_have_not_finished(
    cluster: Cluster, kubectl: Kubectl, settings: Settings
) -> None:
    found = [
        {"name": name, "status": status, "progress": "", "reason": ""}
        for name, status in (("one", "finished"), ("two", "failed"), ("three", "waiting"))
    ]
    kubectl.rule("*exec?deployment/langfuse-worker*", f"echo '{json.dumps(found)}'")
    assert failure(cluster, settings) == (
        "background migrations have not finished: two, three; wait for them, or retry those that "
        "have failed: http://localhost:3000/background-migrations"
    )


@pytest.mark.parametrize("answer", ["echo 'no module' >&2; exit 1", "echo nothing", "true"])
def test_background_migrations_that_cannot_be_asked(
    cluster: Cluster, kubectl: Kubectl, answer: str
) -> None:
    kubectl.rule("*exec?deployment/langfuse-worker*", answer)
    said = preconditions.migrations(cluster, "http://localhost:3000/")
    assert said == (
        "not known: see in http://localhost:3000/background-migrations that all background "
        "migrations have finished"
    )


def test_disk_is_too_small(cluster: Cluster, kubectl: Kubectl, settings: Settings) -> None:
    kubectl.rule("*exec?pod/langfuse-clickhouse-0*", f"echo '{20 * GIGABYTE} {7 * GIGABYTE}'")
    said = failure(cluster, settings)
    assert said.startswith("ClickHouse's volume has 20.0 GB, and its data of 7.0 GB need 3 times")
    assert "set CLICKHOUSE_STORAGE_GB=22 in .env and deploy app" in said


def test_password_is_in_no_command_line(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    note = f'echo "$*" > {tmp_path}/words'
    kubectl.rule("*exec?pod/langfuse-clickhouse-0*", f"{note}; echo '3 1'")
    preconditions.disk(cluster)
    words = (tmp_path / "words").read_text(encoding="utf-8").split("--user default")
    assert [each for each in words if "--password" in each] == []
    assert len(words) == 2


def test_own_clickhouse_is_backed_up_by_the_user(
    cluster: Cluster, account: Account, kubectl: Kubectl
) -> None:
    """Without their word there is no way back; with it, nothing of ClickHouse is made or chosen."""
    own = load_settings(ENV / "accepts.own-clickhouse.env")
    kubectl.use_clickhouse(OWN)
    server = {"major": 4, "version": "26.3.1", "timezone": "UTC", "faults": []}
    kubectl.rule("*exec?deployment/langfuse-worker*node*oldest*", f"echo '{json.dumps(server)}'")
    kubectl.rule("*create?job*|*langfuse-clickhouse*", "echo 'not asked for' >&2; exit 1")
    said: list[str] = []
    with pytest.raises(BackupError, match="run this again with --clickhouse-is-backed-up"):
        there.prepare(cluster, account, own, said.append)
    assert way_back.find(account) is None
    there.prepare(cluster, account, own, said.append, backed_up=True)
    found = way_back.find(account)
    assert found
    assert (found.backup, found.version) == ("own", VERSION)


def test_own_clickhouse_is_restored_by_the_user(
    account: Account, destroyed: WayBack, capsys: pytest.CaptureFixture[str]
) -> None:
    way_back.mark(account, replace(destroyed, backup=way_back.OWN))
    back.go_back(account, print)
    told = " ".join(capsys.readouterr().out.split())
    assert "clickhouse is your own: before you deploy app, empty its database and restore" in told
    assert clickhouse.chosen(account) is None
    assert clickhouse.read(account, "clickhouse/langfuse") == VERSION


# --- back


@pytest.fixture
def destroyed(account: Account, aws: StandIn) -> WayBack:
    """Return the way back of an installation whose Langfuse 4 was destroyed."""
    aws.instances = []
    time = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=50)
    made = WayBack(
        backup=back_up(account), snapshot="final-langfuse-way-back-1", version=VERSION, time=time
    )
    aws.snapshot(made.snapshot, time)
    aws.snapshots[0]["TagList"] = [{"Key": "Project", "Value": NAME}]
    aws.snapshot("final-langfuse-4", datetime.now(UTC) - timedelta(hours=1))
    back_up(account, datetime.now(UTC))
    clickhouse.write(account, "clickhouse/langfuse", "4.53.0")
    way_back.mark(account, made)
    return made


def test_the_next_deploy_restores_the_way_back(
    account: Account, aws: StandIn, destroyed: WayBack
) -> None:
    said: list[str] = []
    back.go_back(account, said.append)
    copy = aws.snapshots[-1]
    assert copy["DBSnapshotIdentifier"].startswith("final-langfuse-way-back-1-")
    assert copy["TagList"] == [{"Key": "Project", "Value": NAME}]
    assert clickhouse.chosen(account) == destroyed.backup
    assert clickhouse.read(account, "clickhouse/langfuse") == VERSION
    text = listing.listing(account)
    assert f"{copy['DBSnapshotIdentifier']}  restored next" in text
    assert "restored next: chosen" in text
    for line in ("LANGFUSE_MAJOR=3", "cdktf deploy deps", "cdktf deploy app", "replay.py"):
        assert line in said[0]
    assert f"since {destroyed.time:%Y-%m-%d %H:%M} UTC" in said[0]
    # The way back stays.
    assert way_back.find(account) == destroyed


@pytest.mark.parametrize("cut", ["copy", "wait", "choose", "write"])
def test_back_goes_on_where_it_was(
    account: Account,
    aws: StandIn,
    destroyed: WayBack,
    monkeypatch: pytest.MonkeyPatch,
    cut: str,
) -> None:
    module, name = {
        "copy": (database, "copy_snapshot"),
        "wait": (database, "wait_for"),
        "choose": (clickhouse, "choose"),
        "write": (clickhouse, "write"),
    }[cut]

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, name, stop)
        with pytest.raises(KeyboardInterrupt):
            back.go_back(account, print)
    # A deploy of Langfuse 3 is refused until the end.
    assert clickhouse.read(account, "clickhouse/langfuse") == "4.53.0"
    for _ in range(2):
        back.go_back(account, print)
    copies = [each for each in aws.snapshots if "way-back-1-" in each["DBSnapshotIdentifier"]]
    assert len(copies) == 1
    assert clickhouse.chosen(account) == destroyed.backup
    assert clickhouse.read(account, "clickhouse/langfuse") == VERSION


def test_a_second_way_back_needs_another_copy(
    account: Account, aws: StandIn, destroyed: WayBack
) -> None:
    """After another upgrade and destroy, the copy is not the newest any more."""
    back.go_back(account, print)
    name = aws.snapshots[-1]["DBSnapshotIdentifier"]
    aws.snapshots[-1]["DBSnapshotIdentifier"] = f"{name}0"
    aws.snapshot("final-langfuse-5", datetime.now(UTC))
    back.go_back(account, print)
    copies = [each for each in aws.snapshots if destroyed.snapshot in each["DBSnapshotIdentifier"]]
    assert len(copies) == 3


def test_a_failed_copy_is_not_taken(account: Account, aws: StandIn, destroyed: WayBack) -> None:
    aws.snapshot(f"{destroyed.snapshot}-1", datetime.now(UTC), status="failed")
    back.go_back(account, print)
    assert len(aws.snapshots) == 4


def test_empty_clickhouse_comes_back_empty(
    account: Account, aws: StandIn, destroyed: WayBack
) -> None:
    """And is not restored from the backups of Langfuse 4."""
    assert aws.snapshots
    way_back.mark(account, WayBack(**{**vars(destroyed), "backup": None}))
    back.go_back(account, print)
    assert clickhouse.chosen(account) == "none"


def test_back_is_refused_while_the_database_runs(
    account: Account, aws: StandIn, destroyed: WayBack
) -> None:
    assert destroyed
    aws.instances = [{"DBInstanceIdentifier": NAME}]
    with pytest.raises(BackupError) as refused:
        back.go_back(account, print)
    for command in ("uv run npx cdktf destroy app", "uv run npx cdktf destroy deps"):
        assert command in str(refused.value)
    assert len(aws.snapshots) == 2
    assert clickhouse.chosen(account) is None


def test_there_is_no_way_back(account: Account) -> None:
    with pytest.raises(BackupError, match="there is no way back"):
        back.go_back(account, print)
    assert objects(account) == []


def test_half_a_way_back_is_none(account: Account, aws: StandIn, destroyed: WayBack) -> None:
    taken = aws.snapshots.pop(0)
    with pytest.raises(BackupError, match="snapshot final-langfuse-way-back-1 is not there"):
        back.go_back(account, print)
    aws.snapshots.insert(0, taken)
    clickhouse.remove(account, str(destroyed.backup))
    with pytest.raises(BackupError, match=f"There is no backup {destroyed.backup}"):
        back.go_back(account, print)
    assert len(aws.snapshots) == 2
    assert clickhouse.read(account, "clickhouse/langfuse") == "4.53.0"


# --- the program


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        ([], BackupError("no"), "upgrade.py: no."),
        ([], CheckError("no"), "upgrade.py: no."),
        (
            [],
            refusal("Code", "Wait.", operation="Snap"),
            "upgrade.py: AWS refuses Snap: Code: Wait. Run it again: it makes a new way back.",
        ),
        (
            ["--back"],
            KeyboardInterrupt(),
            "upgrade.py: interrupted. Run it again: it goes on where it was.",
        ),
        ([], ValueError("secret"), "upgrade.py: ValueError."),
    ],
)
def test_every_error_is_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, given: list[str], error: BaseException, said: str
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["upgrade.py", *given])
    monkeypatch.setattr(upgrade, "run", fail)
    with pytest.raises(SystemExit) as ended:
        upgrade.main()
    assert ended.value.code == said


def test_the_program(
    account: Account,
    cluster: Cluster,
    destroyed: WayBack,
    aws: StandIn,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert destroyed
    monkeypatch.setattr(upgrade, "ENV_FILE", BASE_ENV)
    monkeypatch.setattr(upgrade, "account_of", lambda _: account)
    upgrade.run(upgrade.arguments(["--back"]))
    assert "Set LANGFUSE_MAJOR=3 in .env" in capsys.readouterr().out
    aws.instances = [{"DBInstanceIdentifier": NAME}]
    monkeypatch.setenv("PATH", cluster.environment["PATH"])
    upgrade.run(upgrade.arguments(["--kubeconfig", str(cluster.kubeconfig)]))
    assert "marked    way back to Langfuse 3" in capsys.readouterr().out
