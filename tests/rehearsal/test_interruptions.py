"""Commands killed half-way and a database changed behind our back: what the docs say helps."""

import re

import pytest

from tests.rehearsal.stage import SURVIVORS, Stage, wait_until

pytestmark = pytest.mark.rehearsal


def test_deploy_of_network_is_killed(stage: Stage) -> None:
    """Killed (SIGKILL) while the cluster is being made: the state knows the VPC, and all but that.

    The workspace is locked; unlocked, the next deploy says that the cluster exists.
    """
    stage.eks.slow = True
    stage.kill("deploy", "network", once=lambda: bool(stage.in_state("network", "checkpoint")))
    stage.eks.slow = False
    assert len(stage.in_state("network", "aws_subnet.")) == 2
    assert stage.in_state("network", "aws_eks_cluster.") == []
    stage.unlock("network")
    said = stage.installation.deploy("network", status=1)
    assert "ResourceInUseException" in said


def test_unfinished_cluster_is_deleted(stage: Stage) -> None:
    """Without the unfinished cluster, network deploys to its end; nothing is there twice.

    Cannot prove: how long one waits until AWS lets it be deleted.
    """
    stage.aws.client("eks", stage.eks.url).delete_cluster(name="langfuse")
    wait_until(lambda: stage.eks.resources() == [])
    stage.installation.deploy("network")
    stage.installation.assert_nothing_to_do("network")
    assert len([name for name in stage.left_over() if name.startswith("ec2 vpc ")]) == 1


def test_deploy_of_deps_is_killed(stage: Stage) -> None:
    """Killed (SIGKILL) while the database is being made: the next deploy says that it exists."""
    stage.kill("deploy", "deps", once=lambda: bool(stage.in_state("deps", "checkpoint")))
    assert stage.in_state("deps", "aws_db_instance.") == []
    assert len(stage.databases()) == 1
    stage.unlock("deps")
    assert "DBInstanceAlreadyExists" in stage.installation.deploy("deps", status=1)


def test_unfinished_database_is_deleted(stage: Stage) -> None:
    """Without the unfinished database, deps deploys to its end; a snapshot of it is kept.

    Cannot prove: how long one waits until AWS lets it be deleted.
    """
    stage.aws.client("rds").delete_db_instance(
        DBInstanceIdentifier="langfuse", FinalDBSnapshotIdentifier="final-langfuse-00000000"
    )
    stage.installation.deploy("deps")
    stage.installation.assert_nothing_to_do("deps")


def test_destroy_of_deps_is_killed_after_the_snapshot(stage: Stage) -> None:
    """Killed (SIGKILL) once the final snapshot exists, destroy goes on when run again."""
    secrets = stage.application_secrets()
    final = stage.database_in_state()["final_snapshot_identifier"]
    stage.kill("destroy", "deps", once=lambda: final in stage.snapshots())
    stage.unlock("deps")
    stage.installation.destroy("deps")
    assert stage.in_state("deps", "") == []
    assert stage.snapshots()[0] == final
    assert stage.application_secrets() == secrets


def test_nothing_is_left_of_the_killed_deploys(stage: Stage) -> None:
    """Destroy of network leaves the survivors only: no killed deploy made what no state knew."""
    stage.installation.destroy("network")
    survivors = re.compile("|".join(SURVIVORS))
    assert [name for name in stage.left_over() if not survivors.fullmatch(name)] == []
