"""What an installation costs a month: ``uv run costs.py``.

Prices what is synthesized with the ``.env`` at hand, and needs no account.
"""

import tempfile
from pathlib import Path

from main import synthesize
from pricing.report import read, report


def main() -> None:
    """Print the bill of what this checkout synthesizes."""
    with tempfile.TemporaryDirectory() as folder:
        print(report(read(synthesize(Path(folder)))))


if __name__ == "__main__":
    main()
