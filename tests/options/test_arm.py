"""NODE_INSTANCE_TYPE=t4g.medium: Graviton nodes, with the image for ARM."""

import pytest

import sizing
from pricing.bill import bill
from pricing.report import total
from tests.helpers.modules import node_group
from tests.helpers.stack import Stack
from tests.helpers.synthesis import WithOptions


def test_group_keeps_its_name(with_options: WithOptions, network: Stack) -> None:
    """The new group can be created beside the old one, for the module adds a suffix."""
    group = node_group(with_options("arm")["network"])
    assert group["name"] == node_group(network)["name"] == "langfuse-2"
    assert group.get("use_name_prefix", True) is True


def test_nfr06_arm_is_within_the_budget(with_options: WithOptions) -> None:
    items = bill({name: stack.json for name, stack in with_options("arm").items()})
    assert [item.what for item in items if item.up is None] == []
    assert total(items).up == pytest.approx(153.17, abs=0.005)
    assert (total(items).up or 0) <= 155


@pytest.mark.parametrize(
    ("instance_type", "arm"),
    [
        ("t3.medium", False),
        ("t3a.medium", False),
        ("m7i-flex.large", False),
        ("g5.xlarge", False),
        ("t4g.medium", True),
        ("m6g.large", True),
        ("m7gd.large", True),
        ("m8g.large", True),
        ("c7gn.large", True),
        ("r7g.large", True),
    ],
)
def test_processor_is_told_from_the_type(instance_type: str, *, arm: bool) -> None:
    assert sizing.is_arm(instance_type) is arm


@pytest.mark.parametrize(
    ("instance_type", "mib"),
    [
        ("t4g.small", 1638 - 64),
        ("t4g.medium", 3276 - 64),
        ("m7g.medium", 3276 - 64),
        ("m7g.large", 6553 - 64),
        ("c7g.large", 3276 - 64),
        ("r7g.medium", 6553 - 64),
    ],
)
def test_memory_is_64_mib_less_than_on_x86_64(instance_type: str, mib: int) -> None:
    assert sizing.allocatable_mib(instance_type) == mib


def test_nano_is_too_small() -> None:
    assert sizing.shortage(2, "t4g.nano", sizing.core(3))
