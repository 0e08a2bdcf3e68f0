"""What each option changes of the default, stack by stack, and nothing else does.

After a change that is meant: ``uv run --group test pytest --snapshot-update``; read the difference.
"""

import base64
import json
from typing import Any

import pytest
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.json import JSONSnapshotExtension

from tests.helpers.checkout import ROOT
from tests.helpers.modules import INTERFACES, META
from tests.helpers.snapshots import difference, without_metadata
from tests.helpers.synthesis import Stacks, WithOptions
from tests.options.table import OPTIONS


@pytest.fixture(scope="module")
def default(stacks: Stacks) -> dict[str, Any]:
    return documents(stacks)


@pytest.mark.parametrize("option", OPTIONS)
def test_difference(
    default: dict[str, Any], with_options: WithOptions, option: str, snapshot: SnapshotAssertion
) -> None:
    changed = difference(default, documents(with_options(option)))
    assert changed == snapshot(extension_class=JSONSnapshotExtension)


def documents(stacks: Stacks) -> dict[str, Any]:
    """Return what is synthesized, wherever the project lies."""
    here = str(ROOT)
    return {
        name: readable(without_metadata(json.loads(stack.text.replace(here, "/project"))))
        for name, stack in stacks.items()
    }


def readable(document: dict[str, Any]) -> dict[str, Any]:
    """Return a stack with the user data of launch templates as lines of text."""
    for template in document.get("resource", {}).get("aws_launch_template", {}).values():
        if encoded := template.get("user_data"):
            template["user_data"] = base64.b64decode(encoded).decode().splitlines()
    return document


def test_a_public_name_adds_the_same_to_remote_runs(
    default: dict[str, Any], with_options: WithOptions
) -> None:
    """But for the count of tfe_outputs, which remote runs have not."""
    here = difference(default, documents(with_options("public_name")))
    there = difference(
        documents(with_options("remote_runs")),
        documents(with_options("remote_runs", "public_name")),
    )
    assert json.loads(json.dumps(here).replace("tfe_outputs.deps[0]", "tfe_outputs.deps")) == there


@pytest.mark.parametrize("option", OPTIONS)
def test_inputs_of_modules_exist(with_options: WithOptions, option: str) -> None:
    for stack in with_options(option).values():
        for call in stack.modules.values():
            assert set(call) - META <= set(INTERFACES[call["source"]]["inputs"])


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1, "b": 2}, {"a": 1, "c": 3}, {"b": {"-": 2}, "c": {"+": 3}}),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, {"a": {"b": {"-": 1, "+": 2}}}),
        ({"a": [1, 2]}, {"a": [2, 3]}, {"a": {"-": [1], "+": [3]}}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a": {"-": [1, 2], "+": [2, 1]}}),
        ({"a": [1, 2]}, {"a": [2, 1, 3]}, {"a": {"-": [1, 2], "+": [2, 1, 3]}}),
        ({"a": [1]}, {"a": [1, 1]}, {"a": {"-": [1], "+": [1, 1]}}),
        ({"a": None}, {}, {"a": {"-": None}}),
        ({"a": 1}, {"a": 1}, {}),
    ],
)
def test_differences_are_complete(
    before: dict[str, Any], after: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert difference(before, after) == expected
