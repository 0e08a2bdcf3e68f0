"""Where the tests' ``.env`` files are, and the types of the fixtures that synthesize from them."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contracts import STACKS, WORKSPACES
from tests.helpers.checkout import ROOT
from tests.helpers.stack import Stack

if TYPE_CHECKING:
    from cdktf import App

    from settings import Settings

ENV: Final = ROOT / "tests" / "env"
BASE_ENV: Final = ENV / "accepts.eight-variables.env"

Stacks = dict[str, Stack]
Configure = Callable[..., "tuple[App, Settings]"]
Construct = Callable[..., "App"]
Synthesize = Callable[..., Stacks]
SynthesizeStack = Callable[..., Stack]
WithOptions = Callable[..., Stacks]
Run = subprocess.CompletedProcess[str]


def read(app: "App") -> Stacks:
    """Return the stacks that an app has synthesized, by their ids."""
    folder = Path(app.outdir)
    made = [name for name in (WORKSPACES, *STACKS) if (folder / "stacks" / name).is_dir()]
    return {name: Stack.read(folder, name) for name in made}


def with_lines(env: Path, lines: Mapping[str, str]) -> str:
    """Return an ``.env`` with more lines, in place of those of the same names."""
    kept = [
        line
        for line in env.read_text(encoding="utf-8").splitlines()
        if line.partition("=")[0] not in lines
    ]
    return "\n".join([*kept, *(f"{key}={value}" for key, value in lines.items()), ""])
