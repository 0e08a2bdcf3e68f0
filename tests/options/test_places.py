"""Nodes, Redis and ClickHouse at other places: prices of docs/costs.md, and room on one node."""

import re
from typing import Final

import pytest

import sizing
from pricing import prices
from pricing.bill import bill
from pricing.report import total
from tests.helpers.checkout import ROOT
from tests.helpers.synthesis import Stacks, WithOptions

PAGE: Final = (ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
# Options of the rows and of the columns, in the page's order.
ROWS: Final = ((), ("closed_database",), ("private_nodes",), ("private_nodes_nat_instance",))
COLUMNS: Final = ((), ("elasticache",), ("own_clickhouse",), ("elasticache", "own_clickhouse"))
# A bill is rounded when it is printed.
CENT: Final = 0.011


@pytest.fixture(scope="module")
def table() -> list[list[float]]:
    """Return the page's prices, by row and column."""
    (rows,) = re.findall(r"(?m)^\| nodes \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE)
    return [[float(each) for each in line.split("|")[2:-1]] for line in rows.splitlines()]


def up(stacks: Stacks) -> float:
    """Return what an installation costs while it is up, in USD a month."""
    return total(bill({name: stack.json for name, stack in stacks.items()})).up or 0


def test_prices_are_those_of_the_bill(
    stacks: Stacks, with_options: WithOptions, table: list[list[float]]
) -> None:
    """Those of one option are of its bill; what two save or cost is the sum."""
    base = up(stacks)
    rows = [up(with_options(*each)) if each else base for each in ROWS]
    alone = {name: up(with_options(name)) - base for name in ("elasticache", "own_clickhouse")}
    columns = [sum(alone[name] for name in each) for each in COLUMNS]
    expected = [[row + column for column in columns] for row in rows]
    assert [row[:-1] for row in table] == [pytest.approx(each, abs=CENT) for each in expected]


def test_price_of_one_node(table: list[list[float]]) -> None:
    """A node less is its machine and disk less, and its address if it is public."""
    node = prices.NODES["t3.medium"].usd + 20 * prices.EBS_GP3_GB.usd
    address = prices.PUBLIC_IPV4.usd
    saved = [row[-2] - row[-1] for row in table]
    expected = [node + address, node + address, node, node]
    assert saved == pytest.approx(expected, abs=2 * CENT)


def test_price_of_all_elsewhere(with_options: WithOptions, table: list[list[float]]) -> None:
    """One bill of them all, on two nodes: there is no sum that hides an item."""
    found = up(with_options("private_nodes_nat_instance", "elasticache", "own_clickhouse"))
    assert found == pytest.approx(table[-1][-2], abs=CENT)


def test_room_on_one_node() -> None:
    """The page's arithmetic: requests fit on one t3.medium, and measured peaks do not."""
    pods = sizing.core(3, clickhouse=False, redis=False)
    assert set(pods) == {"web", "worker", "backup"}
    requested = sum(size.memory_mib for size in pods.values()) + sizing.SYSTEM_PER_CLUSTER_MIB
    free = (sizing.allocatable_mib("t3.medium") or 0) - sizing.SYSTEM_PER_NODE_MIB
    peaks = sum(pods[name].peak_mib or 0 for name in ("web", "worker"))
    there = free - sizing.SYSTEM_PER_CLUSTER_MIB
    assert f"the pods request {requested} MiB" in PAGE
    assert f"One t3.medium holds {free} " in PAGE
    assert f"= {peaks} MiB under load" in PAGE
    assert f"= {there} are" in PAGE
    assert requested <= free
    assert peaks > there
    assert sizing.shortage(1, "t3.medium", pods) is None


@pytest.mark.parametrize("major", [3, 4])
def test_one_node_is_for_a_clickhouse_of_ones_own(major: int) -> None:
    """Redis in the cluster fits too; ClickHouse does not."""
    for clickhouse in (True, False):
        for redis in (True, False):
            pods = sizing.core(major, clickhouse=clickhouse, redis=redis)
            fits = sizing.shortage(1, "t3.medium", pods) is None
            assert fits is not clickhouse
