"""ExistingCluster: a look-up that finds nothing where there is nothing."""

import pytest
from cdktf import Postcondition

from constructs_lib.existing_cluster import ExistingCluster
from tests.helpers.bare_stack import BareStack
from tests.helpers.expression import evaluate


@pytest.mark.parametrize(
    ("names", "count"), [([], 0), (["team-a1-2"], 0), (["another", "team-a1"], 1)]
)
def test_cluster_is_looked_up_where_there_is_one(
    bare_stack: BareStack, names: list[str], count: int
) -> None:
    """Before a first deploy and after a destroy, the look-up would fail."""
    stack = bare_stack(lambda stack: ExistingCluster(stack, "existing", name="team-a1"))
    cluster = stack.data("aws_eks_cluster", "existing_cluster")
    assert cluster["name"] == "team-a1"
    assert "lifecycle" not in cluster
    answers = {"existing_clusters": {"names": names}}
    assert evaluate(stack, cluster["count"], answers) == count


def test_conditions_are_of_the_cluster_that_is_there(bare_stack: BareStack) -> None:
    condition = Postcondition(condition="${true}", error_message="It is not.")
    stack = bare_stack(
        lambda stack: ExistingCluster(stack, "existing", name="a", conditions=[condition])
    )
    assert stack.data("aws_eks_cluster")["lifecycle"] == {
        "postcondition": [{"condition": "${true}", "error_message": "It is not."}]
    }
