"""Deps alone in three deploy-destroy cycles, each in another VPC; the last restore is killed."""

import re
import shlex
from datetime import UTC, datetime

import pytest

from tests.rehearsal.environment import BUCKET, Environment

pytestmark = pytest.mark.rehearsal
LONGEST = True


def test_fr28_cycle_1_ends_in_a_snapshot(environment: Environment) -> None:
    """Destroy of cycle 1 makes a final snapshot with the row that was inserted."""
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    environment.put_in_a_row("1")
    environment.installation.apply("deps", "-destroy")
    (first,) = environment.snapshots()
    assert environment.row_in(first) == "1"


def test_fr28_cycle_2_restores_it(environment: Environment) -> None:
    """Cycle 2 restores that snapshot into another VPC, with the same secret.

    The plan warns if the newest complete backup of ClickHouse is of another day, and not if it is
    as old as the snapshot.

    Cannot prove: how AWS restores; moto copies a record.
    """
    secrets = environment.application_secrets()
    (first,) = environment.snapshots()
    environment.stand_in_for_network()
    now = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    put_backup(environment, now)
    plan = environment.installation.terraform("deps", "plan", "-input=false")
    assert "hours apart" not in plan
    environment.aws.client("s3").delete_object(Bucket=BUCKET, Key=f"clickhouse/{now}/.backup")
    put_backup(environment, "20200101T000000Z")
    said = " ".join(environment.installation.apply("deps").replace("│", " ").split())
    assert "ClickHouse is of 2020-01-01T00:00:00Z: more than 26 hours apart" in said
    assert environment.database_in_state()["snapshot_identifier"] == first
    assert environment.application_secrets() == secrets


def put_backup(environment: Environment, time: str) -> None:
    """Put the objects of a complete backup of ClickHouse into the bucket."""
    for name in ("langfuse", ".backup"):
        key = f"clickhouse/{time}/{name}"
        environment.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"x")


def test_fr28_cycle_2_ends_in_another_snapshot(environment: Environment) -> None:
    """Destroy of cycle 2 makes a snapshot of its own, under another name, beside the first."""
    older = environment.snapshots()
    environment.put_in_a_row("2")
    environment.installation.apply("deps", "-destroy")
    newest, *others = environment.snapshots()
    assert others == older
    assert environment.row_in(newest) == "2"


def test_fr28_cycle_3_is_killed_while_it_restores(environment: Environment) -> None:
    """Cycle 3 restores the newer snapshot, and is killed (SIGKILL) during the restore.

    The state has all but the database by then, so nothing is made twice; the next deploy reports
    that the database exists.
    """
    newest, _ = environment.snapshots()
    environment.stand_in_for_network()
    environment.kill(
        "deploy", "deps", once=lambda: bool(environment.in_state("deps", "checkpoint"))
    )
    (latch,) = environment.in_state("deps", "restore_from")
    assert latch["output"]["value"] == {"snapshot_identifier": newest}
    assert environment.aws.calls().count("rds:RestoreDBInstanceFromDBSnapshot") == 2
    assert environment.in_state("deps", "aws_db_instance.") == []
    environment.unlock("deps")
    assert "DBInstanceAlreadyExists" in environment.installation.apply("deps", status=1)


def test_fr28_cycle_3_can_start_over(environment: Environment) -> None:
    """With the half-restored database deleted, with a snapshot, deploy says how to restore it.

    Cannot prove: how long AWS refuses to delete a database that is being restored.
    """
    environment.aws.client("rds").delete_db_instance(
        DBInstanceIdentifier="langfuse", FinalDBSnapshotIdentifier="final-langfuse-killed"
    )
    said = environment.installation.apply("deps", status=1)
    command = re.search(r"uv run (terraform -chdir=\S+) apply (-replace=\S+)$", said, re.MULTILINE)
    assert command, said
    terraform, replace = map(shlex.split, command.groups())
    plan = environment.installation.run(*terraform, "plan", "-input=false", "-no-color", *replace)
    assert re.search(r'~ snapshot_identifier = "\S+" -> "final-langfuse-killed"', plan), plan
