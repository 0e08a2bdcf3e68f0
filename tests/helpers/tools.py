"""Programs on PATH that say a version that is new enough."""

from pathlib import Path
from typing import Final

NEW: Final = {
    "terraform": "Terraform v1.11.4\non linux_amd64",
    "aws": "aws-cli/2.31.2 Python/3.13.7 Linux/6.1",
    "kubectl": "Client Version: v1.36.3\nKustomize Version: v5.7.1",
}


def install_all(folder: Path) -> None:
    for program, version in NEW.items():
        install(folder, program, f"printf '{version}\\n'")


def install(folder: Path, program: str, script: str) -> None:
    (folder / program).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / program).chmod(0o755)
