"""ClickhouseSwitch: a plan refuses to delete a ClickHouse of which no last backup was made."""

import shutil
from typing import Any

import pytest

from constructs_lib.clickhouse_switch import ClickhouseSwitch
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack
from tests.helpers.terraform import Expression, evaluate

BUNDLED = "clickhouse/clickhouse-server:26.3.32.14 valkey/valkey:8.1.8"
OWN = "valkey/valkey:8.1.8"


@pytest.fixture(scope="module")
def switch(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: ClickhouseSwitch(
            stack,
            "switch",
            project="langfuse",
            namespace="n",
            claim="c",
            image="clickhouse/clickhouse-server",
            stores="data.tfe_outputs.deployed.nonsensitive_values.stores",
        )
    )


def left(stores: str | None = None, *volumes: str) -> dict[str, Any]:
    """Return what the data sources answer."""
    outputs = {"stores": stores} if stores else {}
    return {
        "clickhouse_volumes": {"ids": [*volumes]},
        "deployed": {"nonsensitive_values": outputs},
    }


# What is left, and whether the plan is accepted.
CASES: dict[str, tuple[dict[str, Any], bool]] = {
    "nothing": (left(), True),
    "own": (left(OWN), True),
    "deployed": (left(BUNDLED, "vol-1"), False),
    "deployed_but_its_volume_is_not_tagged": (left(BUNDLED), False),
    "destroy_failed": (left(None, "vol-1"), False),
    "own_and_a_volume_is_left": (left(OWN, "vol-1"), False),
}


def test_every_case_by_terraform(switch: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    program = shutil.which("terraform")
    if program is None:
        pytest.skip("terraform is not on PATH")
    condition = {"condition": Expression(switch, switch.outputs["condition"]["value"])}
    answers = {name: each for name, (each, _) in CASES.items()}
    found = evaluate(program, tmp_path_factory.mktemp("switch"), condition, answers)
    assert found["condition"] == {name: expected for name, (_, expected) in CASES.items()}


def test_volume_is_found_by_its_claim(switch: Stack) -> None:
    filters = switch.data("aws_ebs_volumes", "clickhouse_volumes")["filter"]
    assert {each["name"]: each["values"] for each in filters} == {
        "tag:Project": ["langfuse"],
        "tag:kubernetes.io/created-for/pvc/namespace": ["n"],
        "tag:kubernetes.io/created-for/pvc/name": ["c"],
    }


def test_message_has_the_commands(switch: Stack) -> None:
    said = switch.outputs["error_message"]["value"]
    assert "\n  uv run npx cdktf destroy app\n  uv run npx cdktf deploy app\n" in said
