"""Synthesizes so many stacks in one process and prints the seconds of each count as JSON.

The stacks are those of the project, again and again.
"""

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import lazy_bindings

lazy_bindings.install()

from cdktf import App

from settings import Settings
from stacks.app import AppStack
from stacks.deps import DepsStack
from stacks.network import NetworkStack

ENV: Final = Path(__file__).resolve().parents[1] / "tests" / "env" / "accepts.eight-variables.env"
KINDS: Final = (NetworkStack, DepsStack, AppStack)


def seconds(count: int, settings: Settings) -> float:
    """Return how long ``count`` stacks take, in apps of up to three as the project's is."""
    started = time.monotonic()
    written = 0
    for first in range(0, count, len(KINDS)):
        with tempfile.TemporaryDirectory() as folder:
            app = App(outdir=folder, skip_validation=True)
            for kind in KINDS[: count - first]:
                kind(app, settings=settings)
            app.synth()
            written += len(list(Path(folder).glob("stacks/*/cdk.tf.json")))
    if written != count:
        sys.exit(f"{written} stacks were written instead of {count}")
    return time.monotonic() - started


if __name__ == "__main__":
    settings = Settings.load(ENV)
    seconds(1, settings)  # loads what all of them need
    print(json.dumps({count: seconds(count, settings) for count in map(int, sys.argv[1:])}))
