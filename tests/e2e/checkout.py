"""A copy of the project with an installation of its own, which shares nothing with the user's."""

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from env_file import load_settings
from settings import Settings
from tests.helpers.checkout import ROOT, clean_environment, copy_checkout

NAME: Final = "langfuse-e2e"
# Not a temporary folder: if something is left, it is destroyed from here.
FOLDER: Final = ROOT / ".e2e"
# Besides what a user's commands need: uv runs in the copy as well.
MORE_FILES: Final = ("pyproject.toml",)
LINES: Final = {"NAME": NAME, "LANGFUSE_PROJECT_KEYS": "true"}


class RefusedError(Exception):
    """The installation of ``.env`` cannot be tried this way; the message is one line."""


@dataclass(frozen=True)
class Checkout:
    """The copy."""

    folder: Path
    settings: Settings

    @property
    def env_file(self) -> Path:
        """Its ``.env``."""
        return self.folder / ".env"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of its commands; the user's own stays as it is."""
        return self.folder.with_name("kubeconfig")

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its commands: that of this process, and the lines of its ``.env``."""
        lines = {key: value or "" for key, value in dotenv_values(self.env_file).items()}
        folders, ours = os.environ["PATH"].split(os.pathsep), str(Path(sys.executable).parent)
        # As `uv run` has it.
        path = os.pathsep.join([*([] if ours in folders else [ours]), *folders])
        own = {"PATH": path, "KUBECONFIG": str(self.kubeconfig), "CI": "true"}
        return {**clean_environment(), **lines, **own, "CHECKPOINT_DISABLE": "1"}


def prepare(env_file: Path = ROOT / ".env", folder: Path = FOLDER) -> Checkout:
    """Copy the project into ``folder``, with the lines of ``env_file`` and ``LINES``.

    Raises:
        RefusedError: the installation would share something with the user's own.
        SettingsError: ``env_file`` is missing or has faults.

    """
    load_settings(env_file)
    shutil.rmtree(folder, ignore_errors=True)
    copy = folder / "checkout"
    copy.mkdir(parents=True, mode=0o700)
    copy_checkout(copy)
    for file in MORE_FILES:
        shutil.copy(ROOT / file, copy)
    (copy / "node_modules").symlink_to(ROOT / "node_modules")
    for value in dotenv_values(env_file).values():
        _copy_named(ROOT / (value or ""), copy / (value or ""))
    (copy / ".env").touch(mode=0o600)
    (copy / ".env").write_text(with_own_lines(env_file.read_text("utf-8")), encoding="utf-8")
    checkout = Checkout(copy, load_settings(copy / ".env"))
    if shared := shares(checkout.settings):
        raise RefusedError(shared)
    return checkout


def _copy_named(source: Path, target: Path) -> None:
    """Copy the file or folder that a line of ``.env`` names, as LANGFUSE_EXTRA_ENV does."""
    if target.exists() or not source.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def with_own_lines(text: str) -> str:
    """Return the text of an ``.env`` with ``LINES`` in place of its own of these names."""
    own = re.compile(rf"\s*(?:{'|'.join(LINES)})\s*=")
    kept = [line for line in text.splitlines() if not own.match(line)]
    return "\n".join([*kept, *(f"{key}={value}" for key, value in LINES.items()), ""])


def shares(settings: Settings) -> str | None:
    """Return why an installation with these settings cannot be tried beside one, or None."""
    faults = {
        "LANGFUSE_DOMAIN: two installations would write the same DNS record": settings.public_name,
        "CLICKHOUSE_URL: two installations would write into one database": settings.own_clickhouse,
        "TERRAFORM_CLOUD_RUNS: remote runs cannot be interrupted from here": settings.runs_remotely,
        "AWAKE_HOURS: it would fall asleep while it is tried": settings.awake_hours,
    }
    return next((f"{why}; comment it out" for why, there in faults.items() if there), None)
