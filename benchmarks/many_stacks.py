"""Times synthesis by number of stacks: ``python -m benchmarks.many_stacks 1 3 10``.

Synthesizes the project's stacks repeatedly in one process, and prints seconds by number as JSON.
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

from env_file import load_settings
from main import CLASSES
from settings import Settings

ENV: Final = Path(__file__).resolve().parents[1] / "tests" / "env" / "accepts.eight-variables.env"


def seconds(count: int, settings: Settings) -> float:
    """Return the seconds for ``count`` stacks, in apps of up to three stacks as in the project."""
    started = time.monotonic()
    written = 0
    for first in range(0, count, len(CLASSES)):
        with tempfile.TemporaryDirectory() as folder:
            app = App(outdir=folder, skip_validation=True)
            for make in [*CLASSES.values()][: count - first]:
                make(app, settings=settings)
            app.synth()
            written += len(list(Path(folder).glob("stacks/*/cdk.tf.json")))
    if written != count:
        sys.exit(f"{written} stacks were written instead of {count}")
    return time.monotonic() - started


if __name__ == "__main__":
    settings = load_settings(ENV)
    seconds(1, settings)  # warm-up: loads the bindings
    print(json.dumps({count: seconds(count, settings) for count in map(int, sys.argv[1:])}))
