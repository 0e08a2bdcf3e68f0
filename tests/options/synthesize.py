"""Synthesizes all stacks with the options of the table: ``python -m tests.options.synthesize DIR``.

The tests run it beside themselves, as each configuration takes a fifth of a second.
"""

import sys
from pathlib import Path

import lazy_bindings
from tests.helpers.synthesis import BASE_ENV, ENV, synthesize
from tests.options.table import ALONE, OPTIONS, TOGETHER

EVERY_VARIABLE = "every-variable"
NO_EFFECT_ALONE = "no-effect-alone"


def folder_of(*options: str) -> str:
    """Return the name of the folder for an installation with these options."""
    return "+".join(options)


def main(folder: Path) -> None:
    """Synthesize each configuration into a folder of its own below ``folder``."""
    alone = ((option,) for option in OPTIONS)
    for options in (*alone, *TOGETHER):
        lines = dict(line for option in options for line in OPTIONS[option].items())
        _synthesize(folder / folder_of(*options), lines, BASE_ENV)
    _synthesize(folder / NO_EFFECT_ALONE, dict(ALONE), BASE_ENV)
    _synthesize(folder / EVERY_VARIABLE, {}, ENV / "accepts.every-variable.env")


def _synthesize(folder: Path, lines: dict[str, str], env: Path) -> None:
    folder.mkdir()
    synthesize(folder, lines, env)


if __name__ == "__main__":
    lazy_bindings.install()
    main(Path(sys.argv[1]))
