"""Deps is killed half-way: what the docs say helps, and only the survivors are left at the end."""

import re
import shlex

import pytest

from tests.rehearsal.stage import Stage

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def before(stage: Stage) -> list[str]:
    """Publish a network, and name what there is before deps."""
    stage.stand_in_for_network()
    return stage.left_over()


@pytest.mark.usefixtures("before")
def test_deploy_of_deps_is_killed(stage: Stage) -> None:
    """Killed (SIGKILL) while the database is being made: the next deploy says that it exists."""
    stage.kill("deploy", "deps", once=lambda: bool(stage.in_state("deps", "checkpoint")))
    assert stage.in_state("deps", "aws_db_instance.") == []
    assert len(stage.databases()) == 1
    stage.unlock("deps")
    assert "DBInstanceAlreadyExists" in stage.installation.apply("deps", status=1)


def test_unfinished_database_is_deleted(stage: Stage) -> None:
    """The unfinished database is deleted with a snapshot, which the next deploy wants restored.

    It names the command, and by that deps deploys to its end: nothing was decided for the user.

    Cannot prove: how long one waits until AWS lets it be deleted.
    """
    stage.aws.client("rds").delete_db_instance(
        DBInstanceIdentifier="langfuse", FinalDBSnapshotIdentifier="final-langfuse-00000000"
    )
    said = stage.installation.apply("deps", status=1)
    command = re.search(r"uv run terraform -chdir=\S+ apply (-replace=\S+)$", said, re.MULTILINE)
    assert command, said
    stage.installation.apply("deps", *shlex.split(command[1]))
    assert stage.database_in_state()["snapshot_identifier"] == "final-langfuse-00000000"
    stage.installation.assert_nothing_to_do("deps")


def test_destroy_of_deps_is_killed_after_the_snapshot(stage: Stage, before: list[str]) -> None:
    """Killed (SIGKILL) once the final snapshot exists, destroy goes on when run again.

    Then the survivors are left, and nothing else: no killed command made what no state knew.
    """
    secrets = stage.application_secrets()
    final = stage.database_in_state()["final_snapshot_identifier"]
    stage.kill("destroy", "deps", once=lambda: final in stage.snapshots())
    stage.unlock("deps")
    stage.installation.apply("deps", "-destroy")
    assert stage.in_state("deps", "") == []
    assert stage.snapshots()[0] == final
    assert stage.application_secrets() == secrets
    assert [name for name in stage.left_over_besides_survivors() if name not in before] == []
