"""What an installation costs a month: ``uv run costs.py``.

Prices what was synthesized with the ``.env`` at hand, and needs no account. With ``--markdown`` it
prints the tables of the README and of docs/costs.md instead.
"""

import sys
import tempfile
from pathlib import Path

from main import synthesize
from pricing.bill import bill
from pricing.report import by_item, by_stack, read, report


def main() -> None:
    """Print the bill of what this checkout synthesizes."""
    with tempfile.TemporaryDirectory() as folder:
        stacks = read(synthesize(Path(folder)))
    if "--markdown" in sys.argv[1:]:
        items = bill(stacks)
        print(by_stack(items), by_item(items), sep="\n\n")
    else:
        print(report(stacks))


if __name__ == "__main__":
    main()
