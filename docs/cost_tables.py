"""The bill as the tables of the documents."""

from docs.marked_blocks import table
from pricing.bill import Item
from pricing.report import amounts, total


def by_stack(items: list[Item]) -> str:
    """Return the table of the README: one row per stack."""
    stacks = dict.fromkeys(item.stack for item in items)
    sums = [total((item for item in items if item.stack == name), f"`{name}`") for name in stacks]
    sums.append(total(items, "**total**"))
    head = ("USD a month", "up", "on spot", "torn down")
    return table(head, *((each.what, *amounts(each)) for each in sums))


def by_item(items: list[Item]) -> str:
    """Return the table of docs/costs.md: one row per item."""
    rows = [(item.stack, item.what, *amounts(item), item.source) for item in items]
    head = ("stack", "item", "up", "on spot", "torn down", "price")
    return table(head, *rows, ("", "**total**", *amounts(total(items)), ""))
