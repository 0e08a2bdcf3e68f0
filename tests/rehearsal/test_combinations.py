"""Every combination of nodes, Redis and ClickHouse: Terraform itself validates all three stacks."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Final

import pytest

from contracts import STACKS
from tests.options.table import OPTIONS
from tests.rehearsal.environment import Environment
from tests.rehearsal.test_own_clickhouse import OWN

pytestmark = pytest.mark.rehearsal

# Where the nodes are, and what leads to them: those that are not refused together.
NODES: Final = ("default", "private_nodes", "private_nodes_nat_instance", "public_name")
ELSEWHERE: Final = {"elasticache": OPTIONS["elasticache"], "own_clickhouse": OWN}
# Variables of any combination.
ALL: Final = {variable for name in NODES[1:] for variable in OPTIONS[name]}.union(
    *ELSEWHERE.values()
)


@pytest.fixture(scope="module")
def validated() -> set[str]:
    """Return the stacks that are valid: many combinations have the same one."""
    return set()


@pytest.mark.parametrize("nodes", NODES)
def test_is_valid(environment: Environment, validated: set[str], nodes: str) -> None:
    """With bundled and managed Redis, with ClickHouse in the cluster and of one's own."""
    for switched in product([False, True], repeat=len(ELSEWHERE)):
        chosen = [name for name, on in zip(ELSEWHERE, switched, strict=True) if on]
        lines: dict[str, str | None] = dict.fromkeys(ALL)
        lines |= OPTIONS.get(nodes, {})
        for name in chosen:
            lines |= ELSEWHERE[name]
        environment.installation.change_env(**lines)
        environment.installation.run("python", "main.py")
        validate(environment, validated)


def validate(environment: Environment, validated: set[str]) -> None:
    """Validate the stacks that differ from all that are valid."""
    folder = environment.installation.folder / "cdktf.out" / "stacks"
    texts = {stack: document(folder / stack) for stack in STACKS}
    new = [stack for stack, text in texts.items() if text not in validated]

    def run(stack: str) -> None:
        environment.installation.terraform(stack, "init", "-input=false")
        environment.installation.terraform(stack, "validate")

    with ThreadPoolExecutor() as pool:
        list(pool.map(run, new))
    validated.update(texts[stack] for stack in new)


def document(stack: Path) -> str:
    """Return what was synthesized of a stack."""
    return (stack / "cdk.tf.json").read_text(encoding="utf-8")


def test_combinations_differ(validated: set[str]) -> None:
    """No option was without effect: 4 stacks of network, 12 of deps, and 8 of app were valid."""
    assert len(validated) == 4 + 12 + 8
