"""What backups.py lists, chooses and deletes, in front of an account, and what it says."""

import io
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]
    ClientError,
    EndpointConnectionError,
)
from dotenv import dotenv_values
from moto.core.models import MockAWS

import backups
from backing_up import clickhouse, job, listing, prune, purge, way_back
from backing_up.account import Account, BackupError, account_of, reason_of
from backing_up.way_back import WayBack
from tests.helpers.aws_account import BUCKET, ID, NAME, StandIn, account_with, refusal
from tests.helpers.kubectl import Kubectl
from tests.helpers.synthesis import BASE_ENV
from verification.cluster import CheckError, Cluster

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
SECRET = f"{NAME}-application-secrets"
MARKER = f"/{NAME}/retained/database"
CRON = {"spec": {"schedule": "15 3 * * *"}, "status": {}}


def name_at(time: datetime) -> str:
    return time.strftime(clickhouse.TIME)


@pytest.fixture
def aws() -> StandIn:
    return StandIn()


@pytest.fixture
def account(aws: StandIn, moto: MockAWS) -> Account:
    """Return an account with an empty bucket that keeps versions."""
    moto.reset()
    account = account_with(aws)
    s3 = account.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    enabled = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=enabled)
    return account


def put(account: Account, key: str, size: int = 1) -> None:
    account.client("s3").put_object(Bucket=BUCKET, Key=key, Body=bytes(size))


def back_up(account: Account, time: datetime, *, complete: bool = True) -> str:
    folder = f"clickhouse/{name_at(time)}"
    put(account, f"{folder}/langfuse")
    put(account, f"{folder}/data/part", size=2**20)
    if complete:
        put(account, f"{folder}/.backup")
    return name_at(time)


def names(account: Account) -> list[str]:
    return sorted(each.name for each in clickhouse.backups(account))


def versions(account: Account) -> list[str]:
    page = account.client("s3").list_object_versions(Bucket=BUCKET)
    return [each["Key"] for each in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))]


def line_of(text: str, name: str) -> str:
    (line,) = [each for each in text.splitlines() if f"  {name}" in each]
    return line


# --- list


def test_both_halves_are_listed_by_time(account: Account, aws: StandIn) -> None:
    aws.snapshot("final-langfuse-old", NOW - 72 * HOUR)
    aws.snapshot("final-langfuse-new", NOW - 2 * HOUR)
    old, new = back_up(account, NOW - 71 * HOUR), back_up(account, NOW - 3 * HOUR)
    broken = back_up(account, NOW - HOUR, complete=False)
    text = listing.listing(account)
    listed = [line.split()[5:] for line in text.splitlines()[1:6]]
    order = [broken, "final-langfuse-new", new, old, "final-langfuse-old"]
    assert [next(each for each in line if each in order) for line in listed] == order
    assert line_of(text, broken).endswith("incomplete")
    assert line_of(text, new).endswith("restored next")
    assert line_of(text, "final-langfuse-new").endswith("restored next")
    assert text.count("restored next") == 2
    assert "<= 20.00      <= 1.90" in line_of(text, "final-langfuse-old")
    assert "3 d" in line_of(text, "final-langfuse-old")
    # 2 * 20 GB of 0.095, and three times a megabyte.
    assert "At most 3.80 USD a month" in text
    assert "apart" not in text


def test_size_and_price_of_a_backup(account: Account, aws: StandIn) -> None:
    assert not aws.snapshots
    name = back_up(account, NOW)
    (found,) = clickhouse.backups(account)
    assert found.name == name
    assert found.gigabytes == pytest.approx(2**-10, rel=0.001)
    assert found.usd == pytest.approx(2**-10 * 0.023, rel=0.001)


def test_none_is_restored_into_a_clickhouse_of_the_user_s_own(
    account: Account, aws: StandIn
) -> None:
    aws.instances = []
    back_up(account, NOW)
    clickhouse.choose(account, "none")
    lines = listing.listing(account, own_clickhouse=True).splitlines()
    assert "restored next" not in "".join(lines)
    assert [line for line in lines if line.startswith("ClickHouse ")] == [listing.OF_OWN]


def test_retained_automated_backups_are_listed(account: Account, aws: StandIn) -> None:
    aws.snapshot("rds:langfuse-1", NOW - HOUR, kind="automated")
    aws.automated = [automated("db-ABC", "retained"), automated("db-DEF", "active")]
    text = listing.listing(account)
    assert "<= 1.90" in line_of(text, "db-ABC")
    assert "any time since" in line_of(text, "db-ABC")
    assert "db-DEF" not in text
    # Part of the one above.
    assert line_of(text, "rds:langfuse-1").split()[-2:] == ["20.00", "rds:langfuse-1"]
    assert "restored next" not in text


def automated(resource: str, status: str) -> dict[str, Any]:
    window = {"EarliestTime": NOW - 24 * HOUR, "LatestTime": NOW}
    return {
        "DBInstanceIdentifier": NAME,
        "DbiResourceId": resource,
        "Status": status,
        "RestoreWindow": window,
        "AllocatedStorage": 20,
    }


def test_a_snapshot_in_the_making_is_not_restored(account: Account, aws: StandIn) -> None:
    aws.snapshot("final-langfuse-old", NOW - HOUR)
    aws.snapshot("final-langfuse-new", NOW, status="creating")
    text = listing.listing(account)
    assert line_of(text, "final-langfuse-new").endswith("creating, 40 %")
    assert line_of(text, "final-langfuse-old").endswith("restored next")


def test_no_snapshot_is_restored_over_a_running_database(account: Account, aws: StandIn) -> None:
    aws.snapshot("final-langfuse-old", NOW - 100 * HOUR)
    aws.instances = [{"DBInstanceIdentifier": NAME}]
    name = back_up(account, NOW)
    text = listing.listing(account)
    assert not line_of(text, "final-langfuse-old").endswith("next")
    assert line_of(text, name).endswith("restored next")
    assert "A destroy adds a newer one of each" in text
    assert "apart" not in text


def test_another_database_is_none_of_ours(account: Account, aws: StandIn) -> None:
    aws.instances = [{"DBInstanceIdentifier": "langfuse2"}]
    aws.snapshot("final-langfuse-1", NOW)
    assert line_of(listing.listing(account), "final-langfuse-1").endswith("restored next")


@pytest.mark.parametrize(("hours", "is_said"), [(25, False), (27, True)])
def test_halves_that_are_far_apart(
    account: Account, aws: StandIn, hours: int, *, is_said: bool
) -> None:
    aws.snapshot("final-langfuse-1", NOW)
    back_up(account, NOW - hours * HOUR)
    assert ("27 h apart" in listing.listing(account)) is is_said


def test_nothing_to_list(account: Account) -> None:
    assert listing.listing(account) == "There is no backup of langfuse in us-east-1."
    account.client("s3").delete_bucket(Bucket=BUCKET)
    assert listing.listing(account) == "There is no backup of langfuse in us-east-1."


# --- choose


def test_the_chosen_one_is_restored_next(account: Account, aws: StandIn) -> None:
    aws.snapshot("final-langfuse-1", NOW)
    old, new = back_up(account, NOW - 50 * HOUR), back_up(account, NOW)
    assert f"takes {old}, once" in clickhouse.choose(account, old)
    body = account.client("s3").get_object(Bucket=BUCKET, Key="clickhouse/chosen")["Body"].read()
    assert body == f"{old}\n".encode()
    text = listing.listing(account)
    assert line_of(text, old).endswith("restored next: chosen")
    assert not line_of(text, new).endswith("next")
    assert "are 2 d apart" in text
    assert "newest" in clickhouse.choose(account, "newest")
    assert line_of(listing.listing(account), new).endswith("restored next")
    listed = account.client("s3").list_objects_v2(Bucket=BUCKET, Prefix="clickhouse/chosen")
    assert listed["KeyCount"] == 0


@pytest.mark.parametrize("content", [b"", b"newest\n", b"\n"])
def test_nothing_is_chosen(account: Account, content: bytes) -> None:
    assert clickhouse.chosen(account) is None
    account.client("s3").put_object(Bucket=BUCKET, Key="clickhouse/chosen", Body=content)
    assert clickhouse.chosen(account) is None


@pytest.mark.parametrize("name", ["20260101T000000Z", "chosen", "", "../events"])
def test_an_unknown_backup_is_not_chosen(account: Account, name: str) -> None:
    with pytest.raises(BackupError, match="There is no backup"):
        clickhouse.choose(account, name)
    assert clickhouse.chosen(account) is None


def test_an_incomplete_backup_is_not_chosen(account: Account) -> None:
    name = back_up(account, NOW, complete=False)
    with pytest.raises(BackupError, match=f"{name} is incomplete"):
        clickhouse.choose(account, name)
    assert clickhouse.chosen(account) is None


def test_a_chosen_backup_that_is_gone_is_said(account: Account) -> None:
    back_up(account, NOW)
    account.client("s3").put_object(Bucket=BUCKET, Key="clickhouse/chosen", Body=b"2026\n")
    text = listing.listing(account)
    assert "The chosen backup 2026 is missing" in text
    assert "restored next" not in text


def test_nothing_may_be_chosen(account: Account, aws: StandIn) -> None:
    aws.snapshot("final-langfuse-1", NOW - 90 * HOUR)
    name = back_up(account, NOW)
    assert "takes no backup, once" in clickhouse.choose(account, "none")
    text = listing.listing(account)
    assert "ClickHouse starts empty on its next new volume, as chosen" in text
    assert "restored next" not in line_of(text, name)
    assert "apart" not in text
    assert "missing" not in text


# --- the way back


def mark(account: Account, backup: str | None, snapshot: str) -> WayBack:
    made = WayBack(backup=backup, snapshot=snapshot, version="3.225.11", time=NOW)
    way_back.mark(account, made)
    return made


def test_the_mark_is_what_terraform_reads(account: Account) -> None:
    assert way_back.find(account) is None
    assert mark(account, "20261125T101112Z", "final-langfuse-a") == way_back.find(account)
    found = account.client("s3").get_object(Bucket=BUCKET, Key="clickhouse/way-back")
    time = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")
    line = f"20261125T101112Z final-langfuse-a 3.225.11 {time}\n"
    assert (found["Body"].read().decode(), found["ContentType"]) == (line, "text/plain")
    assert mark(account, None, "final-langfuse-a") == way_back.find(account)


def test_a_mark_that_cannot_be_read_stops_a_prune(account: Account) -> None:
    account.client("s3").put_object(Bucket=BUCKET, Key="clickhouse/way-back", Body=b"a b c\n")
    with pytest.raises(BackupError, match="clickhouse/way-back in the bucket is not as"):
        prune.superfluous(account, 2)


def test_both_halves_of_the_way_back_are_marked_in_the_list(account: Account, aws: StandIn) -> None:
    ages = (90, 80, 70)
    made = [back_up(account, NOW - hours * HOUR) for hours in ages]
    for hours in ages:
        aws.snapshot(f"final-langfuse-{hours}", NOW - hours * HOUR)
    mark(account, made[0], "final-langfuse-70")
    text = listing.listing(account)
    assert line_of(text, made[0]).endswith("  way back to Langfuse 3")
    assert line_of(text, "final-langfuse-70").endswith("  way back to Langfuse 3, restored next")
    assert text.count("way back") == 2


def test_prune_keeps_the_way_back(account: Account, aws: StandIn) -> None:
    ages = (90, 80, 70, 60, 50)
    made = [back_up(account, NOW - hours * HOUR) for hours in ages]
    for hours in ages:
        aws.snapshot(f"final-langfuse-{hours}", NOW - hours * HOUR)
    mark(account, made[0], "final-langfuse-90")
    assert {each.name for each in prune.superfluous(account, 2)} == {
        "final-langfuse-80", "final-langfuse-70", made[1], made[2],
    }  # fmt: skip
    # Once another pair is marked, the older one is as any other.
    mark(account, made[1], "final-langfuse-80")
    assert {each.name for each in prune.superfluous(account, 2)} == {
        "final-langfuse-90", "final-langfuse-70", made[0], made[2],
    }  # fmt: skip


# --- prune


def test_prune_keeps_the_newest_of_each(account: Account, aws: StandIn) -> None:
    put(account, "events/one.json")
    ages = (90, 80, 70, 60, 50)
    made = [back_up(account, NOW - hours * HOUR) for hours in ages]
    for hours in ages:
        aws.snapshot(f"final-langfuse-{hours}", NOW - hours * HOUR)
    aws.snapshot("by-hand", NOW - 95 * HOUR)
    dead = back_up(account, NOW - 100 * HOUR, complete=False)
    young = back_up(account, NOW - HOUR, complete=False)
    clickhouse.choose(account, made[0])
    # Deleted, and still there as a version.
    account.client("s3").delete_object(Bucket=BUCKET, Key=f"clickhouse/{made[1]}/data/part")
    found = prune.superfluous(account, 2)
    assert {each.name for each in found} == {
        "final-langfuse-90", "final-langfuse-80", "final-langfuse-70", dead, made[1], made[2],
    }  # fmt: skip
    for each in found:
        prune.delete(account, each)
    assert names(account) == sorted([made[0], *made[3:], young])
    assert sorted(aws.deleted) == [f"final-langfuse-{hours}" for hours in (70, 80, 90)]
    left = versions(account)
    assert "events/one.json" in left
    assert not [key for key in left if made[1] in key or made[2] in key or dead in key]
    assert prune.superfluous(account, 2) == []


def test_an_incomplete_one_stays_without_a_complete_one(account: Account) -> None:
    back_up(account, NOW - 100 * HOUR, complete=False)
    assert prune.superfluous(account, 2) == []


def test_what_makes_it_complete_goes_first(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A prune that is cut off leaves no half backup that looks like a whole one."""
    name = back_up(account, NOW)
    done: list[str] = []

    def refuse(account: Account, prefix: str) -> None:
        if done:
            error = refusal("SlowDown")
            raise error
        done.append(prefix)
        real(account, prefix)

    real = clickhouse.remove_versions
    monkeypatch.setattr(clickhouse, "remove_versions", refuse)
    with pytest.raises(ClientError):
        clickhouse.remove(account, name)
    assert [each.is_complete for each in clickhouse.backups(account)] == [False]


def test_prune_asks(
    account: Account,
    aws: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for hours in (3, 2, 1):
        aws.snapshot(f"final-langfuse-{hours}", NOW - hours * HOUR)
    for typed in ("no\n", "", "y\n"):
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        with pytest.raises(BackupError, match="nothing was deleted"):
            backups.prune_to(account, 2, ask=True)
    assert aws.deleted == []
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    backups.prune_to(account, 2, ask=True)
    assert aws.deleted == ["final-langfuse-3"]
    assert "deleted   final-langfuse-3" in capsys.readouterr().out
    backups.prune_to(account, 2, ask=False)
    assert "There is nothing to delete." in capsys.readouterr().out


@pytest.mark.parametrize("given", [["--prune", "1"], ["--prune", "0"], ["--prune", "all"]])
def test_prune_keeps_two(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        backups.arguments(given)
    assert "is no whole number of 2 or more" in capsys.readouterr().err


# --- purge


@pytest.fixture
def retained(account: Account, aws: StandIn) -> Account:
    put(account, "events/one.json")
    account.client("s3").delete_object(Bucket=BUCKET, Key="events/one.json")
    back_up(account, NOW)
    aws.snapshot("final-langfuse-1", NOW)
    aws.automated = [automated("db-ABC", "retained")]
    aws.stacks = {"langfuse-retained": "DELETE_FAILED"}
    account.client("secretsmanager").create_secret(Name=SECRET, SecretString="{}")
    aws.parameters = {MARKER: "completed"}
    return account


def test_purge_leaves_nothing(
    retained: Account,
    aws: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    others = ["langfuse2-1", "other"]
    for each in others:
        retained.client("s3").create_bucket(Bucket=each)
        aws.parameters[f"/{each}/a"] = "a"
    monkeypatch.setattr(sys, "stdin", io.StringIO("langfuse\n"))
    backups.purge_all(retained, NAME)
    said = capsys.readouterr().out
    assert aws.deleted == ["langfuse-retained", "final-langfuse-1", "db-ABC"]
    buckets = retained.client("s3").list_buckets()["Buckets"]
    assert [each["Name"] for each in buckets] == others
    assert retained.client("secretsmanager").list_secrets()["SecretList"] == []
    assert list(aws.parameters) == [f"/{each}/a" for each in others]
    # The mark goes last.
    assert said.strip().endswith(f"deleted   parameter {MARKER}")
    backups.purge_all(retained, NAME)
    assert capsys.readouterr().out == "Nothing of langfuse is left in us-east-1.\n"


@pytest.mark.parametrize(
    ("name", "typed"),
    [("langfuse2", "langfuse2\n"), ("", ""), ("langfuse", "langfuse2\n"), ("langfuse", "")],
)
def test_purge_needs_the_name_twice(
    retained: Account, aws: StandIn, monkeypatch: pytest.MonkeyPatch, name: str, typed: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    with pytest.raises(BackupError, match="nothing was deleted"):
        backups.purge_all(retained, name)
    assert_all_there(retained, aws)


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({"instances": [{"DBInstanceIdentifier": NAME}]}, "the database langfuse: still there"),
        ({"clusters": {NAME}}, "the cluster langfuse: still there"),
        (
            {"stacks": {"langfuse-retained-mark": "CREATE_COMPLETE"}},
            "the CloudFormation stack langfuse-retained-mark .CREATE_COMPLETE.: still there",
        ),
    ],
)
def test_purge_refuses_what_is_deployed(
    retained: Account,
    aws: StandIn,
    monkeypatch: pytest.MonkeyPatch,
    there: dict[str, Any],
    said: str,
) -> None:
    for key, value in there.items():
        setattr(aws, key, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO("langfuse\n"))
    with pytest.raises(BackupError, match=said):
        backups.purge_all(retained, NAME)
    assert_all_there(retained, aws)


def assert_all_there(account: Account, aws: StandIn) -> None:
    assert aws.deleted == []
    assert len(versions(account)) == 5
    assert len(purge.retained(account, lambda _: None)) >= 5


def test_a_bucket_of_another_account_is_left_alone(
    retained: Account, aws: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names of buckets are taken from all accounts: S3 answers 403 to ours, and the purge stops."""
    asked = []

    def head_bucket(**arguments: str) -> None:
        asked.append(arguments)
        error = refusal("403")
        raise error

    client = Account.client

    def stranger(self: Account, service: str) -> Any:  # noqa: ANN401
        found = client(self, service)
        if service == "s3":
            monkeypatch.setattr(found, "head_bucket", head_bucket)
        return found

    monkeypatch.setattr(Account, "client", stranger)
    with pytest.raises(ClientError):
        backups.purge_all(retained, NAME)
    assert asked == [{"Bucket": BUCKET, "ExpectedBucketOwner": ID}]
    assert aws.deleted == []


def test_what_s3_does_not_delete_stops(retained: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Account.client

    def refusing(self: Account, service: str) -> Any:  # noqa: ANN401
        found = client(self, service)
        answer = {"Errors": [{"Key": "a", "Code": "AccessDenied"}]}
        if service == "s3":
            monkeypatch.setattr(found, "delete_objects", lambda **_: answer)
        return found

    monkeypatch.setattr(Account, "client", refusing)
    with pytest.raises(BackupError, match="S3 does not delete a: AccessDenied"):
        clickhouse.remove_versions(retained, "")


# --- now


@pytest.fixture
def kubectl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    monkeypatch.setattr(job, "POLL_INTERVAL", 0.01)
    kubectl = Kubectl(tmp_path)
    kubectl.answer("*get?cronjobs*", {"items": [CRON]})
    kubectl.rule("*create?job*", f'echo "$*" >> {tmp_path}/created')
    kubectl.answer("*get?job/*", ended("Complete"))
    kubectl.rule("*logs*", "echo 'backup: 5 rows'; echo 'backup: kept: 1'")
    return kubectl


@pytest.fixture
def cluster(tmp_path: Path, kubectl: Kubectl) -> Cluster:
    assert kubectl
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


def ended(how: str) -> dict[str, Any]:
    conditions = [{"type": how, "status": "True"}]
    return {"spec": {"activeDeadlineSeconds": 60}, "status": {"conditions": conditions}}


def test_a_backup_now(cluster: Cluster, tmp_path: Path) -> None:
    said: list[str] = []
    job.back_up_now(cluster, said.append)
    assert said == ["backup: 5 rows", "backup: kept: 1"]
    created = (tmp_path / "created").read_text(encoding="utf-8")
    assert " create job langfuse-backup-2" in created
    assert created.rstrip().endswith("--from=cronjob/langfuse-backup")


def test_lines_of_the_log_come_once(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    """A line more at each look, and a second pod after the first one has failed."""
    log = f"echo x >> {tmp_path}/looks; n=$(wc -l < {tmp_path}/looks); "
    kubectl.rule("*logs*", log + "if [ $n -lt 4 ]; then seq 1 $n; else echo again; fi")
    running = '{"spec": {"activeDeadlineSeconds": 60}, "status": {}}'
    done = '{"spec": {}, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}'
    looks = f"test -e {tmp_path}/looks && test $(wc -l < {tmp_path}/looks) -ge 3"
    kubectl.rule("*get?job/*", f"if {looks}; then echo '{done}'; else echo '{running}'; fi")
    said: list[str] = []
    job.back_up_now(cluster, said.append)
    assert said == ["1", "2", "3", "again"]


def test_a_failed_backup_is_said(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.answer("*get?job/*", ended("Failed"))
    kubectl.rule("*logs*", "echo 'backup: failed: S3 refuses'")
    with pytest.raises(BackupError, match="its Job failed: backup: failed: S3 refuses"):
        job.back_up_now(cluster, lambda _: None)
    kubectl.rule("*logs*", "echo 'no pod' >&2; exit 1")
    with pytest.raises(BackupError, match="no pod of it ran"):
        job.back_up_now(cluster, lambda _: None)


def test_without_a_schedule(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    kubectl.answer("*get?cronjobs*", {"items": []})
    with pytest.raises(BackupError, match="CLICKHOUSE_BACKUP_SCHEDULE is none"):
        job.back_up_now(cluster, lambda _: None)
    assert not (tmp_path / "created").exists()


def test_one_at_a_time(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    active = {"status": {"active": [{"name": "langfuse-backup-29"}]}}
    kubectl.answer("*get?cronjobs*", {"items": [active]})
    with pytest.raises(BackupError, match=r"one is running: .* job/langfuse-backup-29"):
        job.back_up_now(cluster, lambda _: None)
    assert not (tmp_path / "created").exists()


def test_a_job_that_does_not_end(
    cluster: Cluster, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "GRACE", 0)
    kubectl.answer("*get?job/*", {"spec": {"activeDeadlineSeconds": 0.05}, "status": {}})
    with pytest.raises(BackupError, match="no end in"):
        job.back_up_now(cluster, lambda _: None)


# --- the program


def test_credentials_are_those_of_env(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = dotenv_values(BASE_ENV)
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    account = account_of(BASE_ENV)
    found = account.session.get_credentials()
    expected = (lines["AWS_ACCESS_KEY_ID"], lines["AWS_SECRET_ACCESS_KEY"], "token")
    assert (found.access_key, found.secret_key, found.token) == expected
    assert account.region == account.session.region_name == lines["AWS_DEFAULT_REGION"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BackupError("no"), "backups.py: no."),
        (CheckError("no"), "backups.py: no."),
        (
            refusal("SignatureDoesNotMatch", "Wrong.\n\nx-token:secret"),
            "backups.py: AWS refuses Call: SignatureDoesNotMatch: Wrong.",
        ),
        (
            EndpointConnectionError(endpoint_url="https://proxy/secret"),
            "backups.py: AWS cannot be reached (EndpointConnectionError).",
        ),
        (KeyboardInterrupt(), "backups.py: interrupted."),
        (ValueError("secret"), "backups.py: ValueError."),
    ],
)
def test_every_error_is_one_line_without_secrets(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(sys, "argv", ["backups.py"])
    monkeypatch.setattr(backups, "run", fail)
    with pytest.raises(SystemExit) as ended:
        backups.main()
    assert ended.value.code == said


def test_a_long_reason_is_cut() -> None:
    assert len(reason_of(refusal("Code", "x" * 1000))) < 300


def test_the_program_lists(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = back_up(account, NOW)
    monkeypatch.setattr(backups, "account_of", lambda _: account)
    monkeypatch.setattr(backups, "ENV_FILE", BASE_ENV)
    for given, said in (
        ([], f"{name:28}  restored next"),
        (["--choose", name], "takes"),
        (["--choose", "newest"], "the newest"),
        (["--prune", "2", "--yes"], "nothing to delete"),
    ):
        backups.run(backups.arguments(given))
        assert said in capsys.readouterr().out


@pytest.mark.parametrize("given", [["--now", "--prune", "2"], ["--choose", "a", "--purge", "b"]])
def test_one_thing_at_a_time(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        backups.arguments(given)
