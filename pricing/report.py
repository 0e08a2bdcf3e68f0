"""The bill as text."""

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
    up, spot, down = amounts(item)
    return f"{up:>8} {spot:>8} {down:>10}"


def amounts(item: Item) -> tuple[str, str, str]:
    """Return the amounts in USD as text: on demand, on Spot, after a destroy; ? if unknown."""
    up, spot, down = (
        "?" if amount is None else f"{amount:.2f}" for amount in (item.up, item.on_spot, item.down)
    )
    return up, spot, down
