"""The program as its user has it: a copy of the files, and nothing of the developer's settings."""

import os
import shutil
from pathlib import Path
from typing import Final

from env_file import PASSED_THROUGH, variables

ROOT: Final = Path(__file__).resolve().parents[2]
# Besides every package.
FILES: Final = (
    "*.py",
    "docs",
    "policies",
    ".env.example",
    ".npmrc",
    "cdktf.json",
    "package.json",
    "package-lock.json",
)
# Packages that no command of a user needs.
NOT_COPIED: Final = {"benchmarks", "tests"}


def copy_checkout(folder: Path) -> None:
    """Copy the program into an existing folder, without a ``.env``."""
    packages = {each.parent for each in ROOT.glob("*/__init__.py")}
    files = {each for pattern in FILES for each in ROOT.glob(pattern)}
    for source in packages | files:
        if source.name in NOT_COPIED:
            continue
        if source.is_dir():
            shutil.copytree(source, folder / source.name)
        else:
            shutil.copy(source, folder)


def clean_environment() -> dict[str, str]:
    """Return the environment without what the program would take for a setting."""
    ours = {*variables(), *PASSED_THROUGH, "JSII_NODE", "NODE_OPTIONS", "UV_ENV_FILE"}
    return {key: value for key, value in os.environ.items() if key not in ours}
