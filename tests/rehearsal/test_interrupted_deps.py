"""Deps is killed half-way: the documented steps help, and only retained resources are left."""

import re
import shlex

import pytest

from tests.rehearsal.environment import Environment

pytestmark = pytest.mark.rehearsal


@pytest.fixture(scope="module")
def before(environment: Environment) -> list[str]:
    """Publish a network, and list what exists before deps."""
    environment.stand_in_for_network()
    return environment.left_over()


@pytest.mark.usefixtures("before")
def test_deploy_of_deps_is_killed(environment: Environment) -> None:
    """Killed (SIGKILL) while RDS creates the database: the next deploy reports that it exists."""
    environment.kill(
        "deploy", "deps", once=lambda: bool(environment.in_state("deps", "checkpoint"))
    )
    assert environment.in_state("deps", "aws_db_instance.") == []
    assert len(environment.databases()) == 1
    environment.unlock("deps")
    assert "DBInstanceAlreadyExists" in environment.installation.apply("deps", status=1)


def test_unfinished_database_is_deleted(environment: Environment) -> None:
    """With the unfinished database deleted and snapshotted, deploy names the command to restore it.

    That command deploys deps to its end: the user decides, not the program.

    Cannot prove: how long AWS refuses to delete it.
    """
    environment.aws.client("rds").delete_db_instance(
        DBInstanceIdentifier="langfuse", FinalDBSnapshotIdentifier="final-langfuse-00000000"
    )
    said = environment.installation.apply("deps", status=1)
    command = re.search(r"uv run terraform -chdir=\S+ apply (-replace=\S+)$", said, re.MULTILINE)
    assert command, said
    environment.installation.apply("deps", *shlex.split(command[1]))
    assert environment.database_in_state()["snapshot_identifier"] == "final-langfuse-00000000"
    environment.installation.assert_nothing_to_do("deps")


def test_destroy_of_deps_is_killed_after_the_snapshot(
    environment: Environment, before: list[str]
) -> None:
    """After a kill (SIGKILL) once the final snapshot exists, destroy succeeds when run again.

    Only retained resources are left: no killed command made a resource that no state has.
    """
    secrets = environment.application_secrets()
    final = environment.database_in_state()["final_snapshot_identifier"]
    environment.kill("destroy", "deps", once=lambda: final in environment.snapshots())
    environment.unlock("deps")
    environment.installation.apply("deps", "-destroy")
    assert environment.in_state("deps", "") == []
    assert environment.snapshots()[0] == final
    assert environment.application_secrets() == secrets
    assert [name for name in environment.left_over_besides_retained() if name not in before] == []
