"""Network is killed half-way: the documented steps help, and nothing is left at the end."""

import pytest

from tests.rehearsal.environment import Environment, wait_until

pytestmark = pytest.mark.rehearsal


def test_deploy_of_network_is_killed(environment: Environment) -> None:
    """After a kill (SIGKILL) while EKS creates the cluster, the state has all but the cluster.

    The workspace is locked; once it is unlocked, the next deploy reports that the cluster exists.
    """
    environment.eks.slow = True
    environment.kill(
        "deploy", "network", once=lambda: bool(environment.in_state("network", "checkpoint"))
    )
    environment.eks.slow = False
    assert len(environment.in_state("network", "aws_subnet.")) == 2
    assert environment.in_state("network", "aws_eks_cluster.") == []
    environment.unlock("network")
    said = environment.installation.apply("network", status=1)
    assert "ResourceInUseException" in said


def test_unfinished_cluster_is_deleted(environment: Environment) -> None:
    """With the unfinished cluster deleted, network deploys to its end, and nothing exists twice.

    Cannot prove: how long AWS refuses to delete it.
    """
    environment.aws.client("eks", environment.eks.url).delete_cluster(name="langfuse")
    wait_until(lambda: environment.eks.resources() == [])
    environment.installation.apply("network")
    environment.installation.assert_nothing_to_do("network")
    assert len([name for name in environment.left_over() if name.startswith("ec2 vpc ")]) == 1


def test_nothing_is_left_of_the_killed_deploy(environment: Environment) -> None:
    """Destroy leaves nothing: the killed deploy made no resource that no state has."""
    environment.installation.apply("network", "-destroy")
    assert environment.left_over() == []
