"""Synthesis from the tests' ``.env`` files, and the types of the fixtures that do it."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from contracts import STACKS, WORKSPACES
from env_file import load_settings
from tests.helpers.checkout import ROOT
from tests.helpers.stack import Stack

if TYPE_CHECKING:
    from cdktf import App

    from settings import Settings

ENV: Final = ROOT / "tests" / "env"
BASE_ENV: Final = ENV / "accepts.eight-variables.env"

Stacks = dict[str, Stack]
SynthesizeStack = Callable[..., Stack]
WithOptions = Callable[..., Stacks]
Run = subprocess.CompletedProcess[str]


def configure(folder: Path, lines: Mapping[str, str], env: Path) -> "tuple[App, Settings]":
    """Return an empty app in ``folder``, and the settings of ``env`` with more lines."""
    # Imported where it is used: it starts Node, and the rehearsal's workers have no need of that.
    from cdktf import App  # noqa: PLC0415

    from main import SKIP_VALIDATION  # noqa: PLC0415

    env_file = folder / ".env"
    extra = "".join(f"{key}={value}\n" for key, value in lines.items())
    env_file.write_text(env.read_text(encoding="utf-8") + extra, encoding="utf-8")
    return App(outdir=str(folder), skip_validation=SKIP_VALIDATION), load_settings(env_file)


def synthesize(folder: Path, lines: Mapping[str, str], env: Path = BASE_ENV) -> "App":
    """Synthesize all stacks into ``folder``."""
    from main import build  # noqa: PLC0415

    app, settings = configure(folder, lines, env)
    build(app, settings)
    app.synth()
    return app


def read(folder: Path) -> Stacks:
    """Return the stacks that were synthesized into ``folder``, by their ids."""
    made = [name for name in (WORKSPACES, *STACKS) if (folder / "stacks" / name).is_dir()]
    return {name: Stack.read(folder, name) for name in made}
