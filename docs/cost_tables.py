"""The bill as the tables of the documents."""

import copy
from collections.abc import Mapping
from typing import Any, Final

from docs.marked_blocks import table
from pricing.bill import Item, bill
from pricing.report import amounts, total

ARM: Final = "t4g.medium"
"""Instance type of the column for ARM nodes."""


def by_stack(stacks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of the README: one row per stack, with a column for ARM nodes."""
    rows = _sums(bill(stacks))
    on_arm = [up for _, up, *_ in _sums(bill(_on_nodes(stacks, ARM)))]
    head = ("USD a month", "up", "on spot", "torn down", f"up, on {ARM}")
    return table(head, *((*row, up) for row, up in zip(rows, on_arm, strict=True)))


def _sums(items: list[Item]) -> list[tuple[str, ...]]:
    """Return the name and the amounts of each stack, and of all."""
    stacks = dict.fromkeys(item.stack for item in items)
    sums = [total((item for item in items if item.stack == name), f"`{name}`") for name in stacks]
    sums.append(total(items, "**total**"))
    return [(each.what, *amounts(each)) for each in sums]


def _on_nodes(stacks: Mapping[str, Mapping[str, Any]], instance_type: str) -> dict[str, Any]:
    """Return the stacks with nodes of another type, as far as the bill reads them."""
    changed = copy.deepcopy(dict(stacks))
    for template in changed["network"]["resource"]["aws_launch_template"].values():
        template["instance_type"] = instance_type
    return changed


def by_item(items: list[Item]) -> str:
    """Return the table of docs/costs.md: one row per item."""
    rows = [(item.stack, item.what, *amounts(item), item.source) for item in items]
    head = ("stack", "item", "up", "on spot", "torn down", "price")
    return table(head, *rows, ("", "**total**", *amounts(total(items)), ""))
