"""Writes everything that is generated: ``uv run python -m docs.refresh``.

With ``--check`` it writes nothing, names what is stale, and fails if anything is. What comes out
depends on the checkout alone: settings are those of ``ENV``, whatever ``.env`` holds.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from docs import configuration, diagram, first_hour, module_interfaces, requirements
from docs.cost_tables import by_item, by_stack
from docs.marked_blocks import with_block
from env_file import load_settings, variables
from pricing.bill import bill
from pricing.report import read

if TYPE_CHECKING:
    from cdktf import App

ROOT: Final = Path(__file__).resolve().parents[1]
ENV: Final = ROOT / "tests" / "env" / "accepts.eight-variables.env"


def writers(app: "App") -> Mapping[str, Callable[[str], str]]:
    """Return, for each file with generated text, what makes its present text of its last one.

    Args:
        app: the constructs of ``ENV``, synthesized.

    """
    stacks = read(Path(app.outdir))
    items, parts = bill(stacks), diagram.stacks_of(app)
    return {
        ".env.example": configuration.in_example,
        "README.md": lambda page: with_block(
            configuration.in_readme(page), "costs", by_stack(stacks)
        ),
        "docs/architecture.md": lambda page: diagram.in_page(page, parts),
        "docs/architecture.svg": lambda _: diagram.svg(parts),
        "docs/configuration.md": configuration.in_page,
        "docs/costs.md": lambda page: with_block(page, "costs", by_item(items)),
        "docs/first-hour.svg": lambda _: first_hour.svg(first_hour.recording()),
        "docs/requirements.md": requirements.in_page,
        "tests/data/module_interfaces.json": lambda table: module_interfaces.in_table(
            table, {**stacks, "options": module_interfaces.OF_OPTIONS}
        ),
    }


def stale(app: "App") -> dict[Path, str]:
    """Return the files whose text is not what the code makes, with the text they should have."""
    fresh = {}
    for name, write in writers(app).items():
        file = ROOT / name
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        if (new := write(text)) != text:
            fresh[file] = new
    return fresh


def main() -> None:
    """Write, or with ``--check`` only name, what is stale."""
    import lazy_bindings  # noqa: PLC0415 - before the bindings, and only here

    lazy_bindings.install()
    from cdktf import App  # noqa: PLC0415

    from main import SKIP_VALIDATION, build  # noqa: PLC0415

    for name in variables():
        os.environ.pop(name, None)
    with tempfile.TemporaryDirectory() as folder:
        app = App(outdir=folder, skip_validation=SKIP_VALIDATION)
        build(app, load_settings(ENV))
        app.synth()
        found = stale(app)
    check = "--check" in sys.argv[1:]
    for file, text in found.items():
        print(f"{'stale' if check else 'written'}: {file.relative_to(ROOT)}")
        if not check:
            file.write_text(text, encoding="utf-8")
    if check and found:
        sys.exit("run: uv run python -m docs.refresh")


if __name__ == "__main__":
    main()
