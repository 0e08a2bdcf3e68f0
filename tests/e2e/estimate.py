"""What a run costs, before it begins: prices of the bill, times the hours that it takes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pricing.bill import Item, bill
from pricing.prices import HOURS
from pricing.report import total

# Minutes of a run that goes well: those of the README, which no run on AWS has measured yet. The
# second deploy of deps restores a snapshot. Each run prints its own.
FIRST_DEPLOY: Final = 15 + 10 + 10
SECOND_DEPLOY: Final = 15 + 20 + 10
DESTROY: Final = 20
CHECKS: Final = 5
MINUTES: Final = FIRST_DEPLOY + SECOND_DEPLOY + 2 * (DESTROY + CHECKS)
# Minutes after which everything is destroyed, wherever the run is, and those which that may take.
DEADLINE: Final = 240
LAST_DESTROY: Final = 90
# USD that a run may cost at most, unless it is told otherwise.
LIMIT: Final = 3.00


@dataclass(frozen=True)
class Estimate:
    """Amounts in USD."""

    usual: float
    """If all goes well."""
    most: float
    """Until the deadline, with slow destroys after it, and CPUs that are busy throughout."""
    kept: float
    """For a month of what the first destroy keeps, which is purged at the end."""


def estimate(stacks: Mapping[str, Mapping[str, Any]], deadline_minutes: float) -> Estimate:
    """Return what a run costs with these stacks.

    Args:
        stacks: synthesized JSON of each stack, by its id.
        deadline_minutes: minutes until everything is destroyed.

    Raises:
        ValueError: something in the stacks has no price; the message names it.

    """
    items = bill(stacks)
    if unpriced := [each.what for each in items if each.up is None]:
        message = f"no price for {', '.join(unpriced)}"
        raise ValueError(message)
    everything = total(items)
    up, busy = everything.up or 0, sum(map(_most_credits, items))
    longest = (deadline_minutes + LAST_DESTROY) / 60
    return Estimate(
        usual=up / HOURS * MINUTES / 60,
        most=(up + busy + everything.down) / HOURS * longest,
        kept=everything.down,
    )


def _most_credits(item: Item) -> float:
    """Return the USD a month of CPU credits, which the bill has in words only."""
    found = re.search(r"CPU credits, at most ([\d.]+)", item.what)
    return float(found[1]) if found else 0
