"""A stand-in for kubectl."""

import json
from pathlib import Path
from typing import Any


class Kubectl:
    """Writes a ``kubectl`` that answers by what its arguments look like; the newest rule wins."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "kubectl"
        self._rules: list[str] = []

    def rule(self, pattern: str, command: str) -> None:
        self._rules.insert(0, f"{pattern}) {command} ;;")
        rules = "\n".join(self._rules)
        self._file.write_text(f'#!/bin/sh\ncase "$*" in\n{rules}\nesac\n', encoding="utf-8")
        self._file.chmod(0o755)

    def answer(self, pattern: str, document: dict[str, Any]) -> None:
        self.rule(pattern, f"echo '{json.dumps(document)}'")

    def forward(self, target: str, port: int) -> None:
        line = f"Forwarding from 127.0.0.1:{port} -> 1"
        self.rule(f"*port-forward*{target}*", f"echo '{line}'; exec sleep 20")
