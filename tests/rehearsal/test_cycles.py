"""Deps alone through three lives, each in another VPC, the last one cut off while it restores."""

import re
import shlex

import pytest

from tests.rehearsal.stage import Stage

pytestmark = pytest.mark.rehearsal
LONGEST = True


def test_fr28_first_life(stage: Stage) -> None:
    """The first life ends in a snapshot with the row that was put in."""
    stage.stand_in_for_network()
    stage.installation.deploy("deps")
    stage.put_in_a_row("1")
    stage.installation.apply("deps", "-destroy")
    (first,) = stage.snapshots()
    assert stage.row_in(first) == "1"


def test_fr28_second_life_starts_from_the_first(stage: Stage) -> None:
    """The second life restores that snapshot into another VPC, with the same secret.

    Cannot prove: what AWS does when it restores; moto copies a record.
    """
    secrets = stage.application_secrets()
    (first,) = stage.snapshots()
    stage.stand_in_for_network()
    stage.installation.apply("deps")
    assert stage.database_in_state()["snapshot_identifier"] == first
    assert stage.application_secrets() == secrets


def test_fr28_second_life_ends(stage: Stage) -> None:
    """It ends in a snapshot of its own, under another name, beside the first one."""
    older = stage.snapshots()
    stage.put_in_a_row("2")
    stage.installation.apply("deps", "-destroy")
    newest, *others = stage.snapshots()
    assert others == older
    assert stage.row_in(newest) == "2"


def test_fr28_third_life_is_cut_off(stage: Stage) -> None:
    """The third life restores the newer snapshot; it is killed (SIGKILL) while that goes on.

    The state knows all but the database by then, so nothing is made twice; the next deploy says
    that the database exists.
    """
    newest, _ = stage.snapshots()
    stage.stand_in_for_network()
    stage.kill("deploy", "deps", once=lambda: bool(stage.in_state("deps", "checkpoint")))
    (latch,) = stage.in_state("deps", "restore_from")
    assert latch["output"]["value"] == {"snapshot_identifier": newest}
    assert stage.aws.calls().count("rds:RestoreDBInstanceFromDBSnapshot") == 2
    assert stage.in_state("deps", "aws_db_instance.") == []
    stage.unlock("deps")
    assert "DBInstanceAlreadyExists" in stage.installation.apply("deps", status=1)


def test_fr28_third_life_can_start_over(stage: Stage) -> None:
    """The half-restored database is deleted, with a snapshot; a deploy says how to restore that.

    Cannot prove: how long one waits until AWS lets a database be deleted that is being restored.
    """
    stage.aws.client("rds").delete_db_instance(
        DBInstanceIdentifier="langfuse", FinalDBSnapshotIdentifier="final-langfuse-killed"
    )
    said = stage.installation.apply("deps", status=1)
    command = re.search(r"uv run (terraform -chdir=\S+) apply (-replace=\S+)$", said, re.MULTILINE)
    assert command, said
    terraform, replace = map(shlex.split, command.groups())
    plan = stage.installation.run(*terraform, "plan", "-input=false", "-no-color", *replace)
    assert re.search(r'~ snapshot_identifier = "\S+" -> "final-langfuse-killed"', plan), plan
