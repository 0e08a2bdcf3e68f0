"""The bill as text, and as the tables of the documents."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from contracts import STACKS, WORKSPACES
from pricing import prices
from pricing.bill import Item, bill

# Characters of the column of descriptions.
WIDTH: Final = 34


def read(outdir: Path) -> dict[str, Mapping[str, Any]]:
    """Return the JSON of each stack that CDKTF synthesized into ``outdir``, in deploy order."""
    found = {file.parent.name: file for file in outdir.glob("stacks/*/cdk.tf.json")}
    order = (WORKSPACES, *STACKS)
    return {
        name: json.loads(found[name].read_text(encoding="utf-8"))
        for name in sorted(found, key=lambda name: (*order, name).index(name))
    }


def total(items: Iterable[Item], what: str = "total") -> Item:
    """Return the sum of the items that have a price."""
    items = list(items)
    return Item(
        what,
        sum(item.up or 0 for item in items),
        spot=sum(item.on_spot or 0 for item in items),
        down=sum(item.down for item in items),
    )


def report(stacks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the bill as text, one line per item."""
    items = bill(stacks)
    unpriced = [item.what for item in items if item.up is None]
    lines = [
        f"USD a month, list prices of {prices.REGION}, {prices.COLLECTED}:",
        f"  {'':8} {'':{WIDTH}} {'up':>8} {'on spot':>8} {'torn down':>10}",
        *(f"  {item.stack:8} {item.what:{WIDTH}} {_columns(item)}" for item in items),
        f"  {'total':8} {'':{WIDTH}} {_columns(total(items))}",
    ]
    if unpriced:
        lines.append(f"  Not priced: {', '.join(unpriced)}.")
    (region,) = {stack["provider"]["aws"][0]["region"] for stack in stacks.values()}
    if region != prices.REGION:
        lines.append(f"  {region} may differ by some ten per cent.")
    return "\n".join(lines)


def _columns(item: Item) -> str:
    return f"{_usd(item.up):>8} {_usd(item.on_spot):>8} {_usd(item.down):>10}"


def _usd(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:.2f}"


def by_stack(items: list[Item]) -> str:
    """Return the Markdown table of the README: one row per stack."""
    stacks = dict.fromkeys(item.stack for item in items)
    sums = [total((item for item in items if item.stack == name), f"`{name}`") for name in stacks]
    sums.append(total(items, "**total**"))
    rows = [f"| {each.what} | {_cells(each)} |" for each in sums]
    head = ["| USD a month | up | on spot | torn down |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])


def by_item(items: list[Item]) -> str:
    """Return the Markdown table of docs/costs.md: one row per item."""
    rows = [f"| {item.stack} | {item.what} | {_cells(item)} | {item.source} |" for item in items]
    rows.append(f"| | **total** | {_cells(total(items))} | |")
    head = ["| stack | item | up | on spot | torn down | price |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _cells(item: Item) -> str:
    return " | ".join(_usd(amount) for amount in (item.up, item.on_spot, item.down))
