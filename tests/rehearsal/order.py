"""What Terraform says that it does, and in which order."""

import re
from typing import Final

# What holds data, or what its address would change with.
STATEFUL: Final = (
    "aws_eks_cluster",
    "aws_db_instance",
    "aws_subnet.public",
    "aws_vpc",
    "helm_release",
)


def in_order(said: str, *events: str) -> None:
    """Check that Terraform said the events in this order, each ``address: what happened``."""
    places = [said.find(event) for event in events]
    assert -1 not in places, events[places.index(-1)]
    assert places == sorted(places), dict(zip(events, places, strict=True))


def changed(said: str) -> list[str]:
    """Return the addresses that Terraform planned to replace or to destroy."""
    return re.findall(r"# (\S+) (?:must be replaced|will be destroyed)", said)


def assert_no_data_moved(said: str) -> None:
    """Check that nothing with data is planned to go."""
    assert changed(said)
    assert [each for each in changed(said) if any(kind in each for kind in STATEFUL)] == []
