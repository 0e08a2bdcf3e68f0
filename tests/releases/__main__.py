"""Keeps the stacks of the release that is being made.

    uv run --group test python -m tests.releases 0.2.0

It writes ``tests/releases/0.2.0.json.xz``: the default, and each option of
``tests/options/table.py``. ``tests/test_upgrade.py`` then holds every later commit to change
nothing of such an installation that Terraform or Kubernetes can only replace.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from packaging.version import InvalidVersion, Version

import lazy_bindings
from env_file import PASSED_THROUGH, load_settings, variables
from tests.helpers.checkout import ROOT
from tests.helpers.synthesis import BASE_ENV, with_lines
from tests.options.table import OPTIONS
from tests.releases.kept import DEFAULT, Release, Variant, anywhere, charts_of, file_of


def main(arguments: list[str]) -> str:
    """Keep the stacks, and return a line that says where."""
    try:
        version = Version(*arguments)
    except (InvalidVersion, TypeError):
        sys.exit("usage: python -m tests.releases VERSION, such as 0.2.0")
    file = file_of(version)
    if file.exists():
        sys.exit(f"{file.relative_to(ROOT)} is kept already: what was released does not change")
    for variable in (*variables(), *PASSED_THROUGH):
        os.environ.pop(variable, None)
    # Variables name files of the tests.
    os.chdir(ROOT)
    variants: dict[str, Variant] = {}
    files: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, lines in {DEFAULT: {}, **OPTIONS}.items():
            stacks = synthesize(Path(folder, name), lines)
            read = {stack.name: (stack / "cdk.tf.json").read_text("utf-8") for stack in stacks}
            variants[name] = Variant(lines, {name: anywhere(text) for name, text in read.items()})
            files |= {path: text for stack in stacks for path, text in charts_of(stack)}
    Release(str(version), commit(), variants, files).write(file)
    size = file.stat().st_size // 1000
    return f"{file.relative_to(ROOT)}: {len(variants)} variants, {size} kB"


def synthesize(folder: Path, lines: Mapping[str, str]) -> list[Path]:
    """Synthesize with these lines of ``.env``, and return the folders of the stacks."""
    # Imported where they are used: they start Node, and a wrong argument should not wait for that.
    lazy_bindings.install()
    from cdktf import App  # noqa: PLC0415

    from main import SKIP_VALIDATION, build  # noqa: PLC0415

    folder.mkdir()
    env = folder / ".env"
    env.write_text(with_lines(BASE_ENV, lines), encoding="utf-8")
    app = App(outdir=str(folder), skip_validation=SKIP_VALIDATION)
    build(app, load_settings(env))
    app.synth()
    return sorted((folder / "stacks").iterdir())


def commit() -> str:
    """Return the commit that is checked out."""
    return subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=ROOT, text=True).strip()  # noqa: S607


if __name__ == "__main__":
    print(main(sys.argv[1:]))  # noqa: T201 - the answer
