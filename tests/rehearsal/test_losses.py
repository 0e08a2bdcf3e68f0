"""A killed deploy, and changes outside Terraform: a clear message, and nothing is lost."""

import pytest

from tests.rehearsal.environment import Environment

pytestmark = pytest.mark.rehearsal


def test_deploy_of_the_store_is_killed(environment: Environment) -> None:
    """After a kill (SIGKILL) while the retained store is made, deps deploys to its end with it.

    The next deploy reports that the CloudFormation stack exists; deleting it retains its resources.

    Cannot prove: how CloudFormation treats a stack whose client was killed.
    """
    environment.stand_in_for_network()
    environment.kill("deploy", "deps", once=lambda: bool(environment.stacks()))
    secrets = environment.application_secrets()
    environment.unlock("deps")
    assert "AlreadyExistsException" in environment.installation.apply("deps", status=1)
    environment.aws.client("cloudformation").delete_stack(StackName="langfuse-retained")
    environment.installation.apply("deps")
    assert environment.application_secrets() == secrets


def test_database_is_changed_out_of_band(environment: Environment) -> None:
    """An instance class that was changed by hand is changed back; the database is not replaced."""
    (before,) = environment.databases()
    environment.aws.client("rds").modify_db_instance(
        DBInstanceIdentifier="langfuse", DBInstanceClass="db.t4g.small", ApplyImmediately=True
    )
    environment.installation.apply("deps")
    (after,) = environment.databases()
    assert after["DBInstanceClass"] == before["DBInstanceClass"]
    assert after["DbiResourceId"] == before["DbiResourceId"]


def test_fr28_snapshot_is_gone(environment: Environment) -> None:
    """With the retained store and no snapshot, deps fails instead of creating an empty database."""
    secrets = environment.application_secrets()
    environment.installation.apply("deps", "-destroy")
    (snapshot,) = environment.snapshots()
    environment.aws.client("rds").delete_db_snapshot(DBSnapshotIdentifier=snapshot)
    said = environment.installation.apply("deps", status=1)
    assert "no snapshot of it with the tag Project=langfuse is left" in " ".join(said.split())
    assert environment.databases() == []
    assert environment.application_secrets() == secrets
