"""Deps alone through three lives, each in another VPC, the last one cut off while it restores."""

import re
import shlex

import pytest

from tests.rehearsal.environment import Environment

pytestmark = pytest.mark.rehearsal
LONGEST = True


def test_fr28_first_life(environment: Environment) -> None:
    """The first life ends in a snapshot with the row that was put in."""
    environment.stand_in_for_network()
    environment.installation.deploy("deps")
    environment.put_in_a_row("1")
    environment.installation.apply("deps", "-destroy")
    (first,) = environment.snapshots()
    assert environment.row_in(first) == "1"


def test_fr28_second_life_starts_from_the_first(environment: Environment) -> None:
    """The second life restores that snapshot into another VPC, with the same secret.

    Cannot prove: what AWS does when it restores; moto copies a record.
    """
    secrets = environment.application_secrets()
    (first,) = environment.snapshots()
    environment.stand_in_for_network()
    environment.installation.apply("deps")
    assert environment.database_in_state()["snapshot_identifier"] == first
    assert environment.application_secrets() == secrets


def test_fr28_second_life_ends(environment: Environment) -> None:
    """It ends in a snapshot of its own, under another name, beside the first one."""
    older = environment.snapshots()
    environment.put_in_a_row("2")
    environment.installation.apply("deps", "-destroy")
    newest, *others = environment.snapshots()
    assert others == older
    assert environment.row_in(newest) == "2"


def test_fr28_third_life_is_cut_off(environment: Environment) -> None:
    """The third life restores the newer snapshot; it is killed (SIGKILL) while that goes on.

    The state knows all but the database by then, so nothing is made twice; the next deploy says
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


def test_fr28_third_life_can_start_over(environment: Environment) -> None:
    """The half-restored database is deleted, with a snapshot; a deploy says how to restore that.

    Cannot prove: how long one waits until AWS lets a database be deleted that is being restored.
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
