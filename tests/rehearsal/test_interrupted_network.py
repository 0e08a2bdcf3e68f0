"""Network is killed half-way: what the docs say helps, and nothing of it is left at the end."""

import pytest

from tests.rehearsal.environment import Environment, wait_until

pytestmark = pytest.mark.rehearsal


def test_deploy_of_network_is_killed(environment: Environment) -> None:
    """Killed (SIGKILL) while the cluster is being made: the state knows the VPC, and all but that.

    The workspace is locked; unlocked, the next deploy says that the cluster exists.
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
    """Without the unfinished cluster, network deploys to its end; nothing is there twice.

    Cannot prove: how long one waits until AWS lets it be deleted.
    """
    environment.aws.client("eks", environment.eks.url).delete_cluster(name="langfuse")
    wait_until(lambda: environment.eks.resources() == [])
    environment.installation.apply("network")
    environment.installation.assert_nothing_to_do("network")
    assert len([name for name in environment.left_over() if name.startswith("ec2 vpc ")]) == 1


def test_nothing_is_left_of_the_killed_deploy(environment: Environment) -> None:
    """Destroy leaves nothing at all: the killed deploy made nothing that no state knew."""
    environment.installation.apply("network", "-destroy")
    assert environment.left_over() == []
