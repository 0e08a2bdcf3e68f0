"""Modules of Langfuse's worker image, for a script that runs in a pod of it."""

from pathlib import Path
from typing import Final

LOADER: Final = Path(__file__).with_name("worker_modules.js")


def with_loader(script: Path) -> str:
    """Return a script for ``node -e``, after the function ``load`` that it calls."""
    return LOADER.read_text(encoding="utf-8") + script.read_text(encoding="utf-8")
