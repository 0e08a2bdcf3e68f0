"""Network is killed half-way: what the docs say helps, and nothing of it is left at the end."""

import pytest

from tests.rehearsal.stage import Stage, wait_until

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
    said = stage.installation.apply("network", status=1)
    assert "ResourceInUseException" in said


def test_unfinished_cluster_is_deleted(stage: Stage) -> None:
    """Without the unfinished cluster, network deploys to its end; nothing is there twice.

    Cannot prove: how long one waits until AWS lets it be deleted.
    """
    stage.aws.client("eks", stage.eks.url).delete_cluster(name="langfuse")
    wait_until(lambda: stage.eks.resources() == [])
    stage.installation.apply("network")
    stage.installation.assert_nothing_to_do("network")
    assert len([name for name in stage.left_over() if name.startswith("ec2 vpc ")]) == 1


def test_nothing_is_left_of_the_killed_deploy(stage: Stage) -> None:
    """Destroy leaves nothing at all: the killed deploy made nothing that no state knew."""
    stage.installation.apply("network", "-destroy")
    assert stage.left_over() == []
