"""Every module call against the inputs and outputs of the module's pinned version.

Terraform would say it too, minutes later and with an account. The tables in tests/data were
extracted from the modules' release tags.
"""

import pytest

from contracts import STACKS
from tests.helpers.modules import INTERFACES, META
from tests.helpers.stack import Stack


@pytest.mark.parametrize("name", STACKS)
def test_inputs_exist(stacks: dict[str, Stack], name: str) -> None:
    for call in stacks[name].modules.values():
        interface = INTERFACES[call["source"]]
        assert call["version"] == interface["version"]
        assert set(call) - META <= set(interface["inputs"])


@pytest.mark.parametrize("name", STACKS)
def test_required_inputs_are_given(stacks: dict[str, Stack], name: str) -> None:
    for call in stacks[name].modules.values():
        inputs = INTERFACES[call["source"]]["inputs"]
        assert {key for key, kind in inputs.items() if kind == "required"} <= set(call)


@pytest.mark.parametrize("name", STACKS)
def test_outputs_exist(stacks: dict[str, Stack], name: str) -> None:
    for module, output in stacks[name].module_references():
        assert output in INTERFACES[stacks[name].modules[module]["source"]]["outputs"]


def test_references_are_found(network: Stack, deps: Stack) -> None:
    """The checks above look at something."""
    assert len(network.module_references()) >= 8
    assert len(deps.module_references()) >= 3
    assert len(network.modules) == 4
    assert len(deps.modules) == 4
