"""What is cut off, changed or deleted behind our back: a clear message, and nothing is lost."""

import pytest

from tests.rehearsal.stage import Stage

pytestmark = pytest.mark.rehearsal


def test_deploy_of_the_store_is_killed(stage: Stage) -> None:
    """Killed (SIGKILL) while it makes the store, deps deploys to its end with that store.

    The next deploy says that the CloudFormation stack exists; what it holds outlives it.

    Cannot prove: what CloudFormation does with a stack whose client is gone.
    """
    stage.stand_in_for_network()
    stage.kill("deploy", "deps", once=lambda: bool(stage.stacks()))
    secrets = stage.application_secrets()
    stage.unlock("deps")
    assert "AlreadyExistsException" in stage.installation.apply("deps", status=1)
    stage.aws.client("cloudformation").delete_stack(StackName="langfuse-retained")
    stage.installation.apply("deps")
    assert stage.application_secrets() == secrets


def test_database_is_changed_out_of_band(stage: Stage) -> None:
    """Another instance class, set by hand, is set back; the database is not replaced."""
    (before,) = stage.databases()
    stage.aws.client("rds").modify_db_instance(
        DBInstanceIdentifier="langfuse", DBInstanceClass="db.t4g.small", ApplyImmediately=True
    )
    stage.installation.apply("deps")
    (after,) = stage.databases()
    assert after["DBInstanceClass"] == before["DBInstanceClass"]
    assert after["DbiResourceId"] == before["DbiResourceId"]


def test_fr28_snapshot_is_gone(stage: Stage) -> None:
    """With the store kept and its snapshot gone, deps fails instead of making an empty database."""
    secrets = stage.application_secrets()
    stage.installation.apply("deps", "-destroy")
    (snapshot,) = stage.snapshots()
    stage.aws.client("rds").delete_db_snapshot(DBSnapshotIdentifier=snapshot)
    said = stage.installation.apply("deps", status=1)
    assert "no snapshot of it with the tag Project=langfuse is left" in " ".join(said.split())
    assert stage.databases() == []
    assert stage.application_secrets() == secrets
