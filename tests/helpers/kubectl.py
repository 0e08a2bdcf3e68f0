"""A stand-in for kubectl."""

import json
from pathlib import Path
from typing import Any, Final

# URLs of the ClickHouse in the cluster, and of one of the user's own.
BUNDLED: Final = "http://langfuse-clickhouse:8123"
OWN: Final = "https://clickhouse.example.com:8443"


class Kubectl:
    """Writes a ``kubectl`` that answers by what its arguments look like; the newest rule wins."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "kubectl"
        self._rules: list[str] = []
        self.use_clickhouse(BUNDLED)

    def rule(self, pattern: str, command: str) -> None:
        self._rules.insert(0, f"{pattern}) {command} ;;")
        rules = "\n".join(self._rules)
        self._file.write_text(f'#!/bin/sh\ncase "$*" in\n{rules}\nesac\n', encoding="utf-8")
        self._file.chmod(0o755)

    def answer(self, pattern: str, document: dict[str, Any]) -> None:
        self.rule(pattern, f"echo '{json.dumps(document)}'")

    def use_clickhouse(self, url: str) -> None:
        """Have the worker's Deployment name this ClickHouse."""
        env = [{"name": "SALT", "valueFrom": {}}, {"name": "CLICKHOUSE_URL", "value": url}]
        containers = [{"name": "beside"}, {"name": "langfuse-worker", "env": env}]
        spec = {"template": {"spec": {"containers": containers}}}
        self.answer("*get?deployments*langfuse-worker*", {"items": [{"spec": spec}]})

    def forward(self, target: str, port: int) -> None:
        line = f"Forwarding from 127.0.0.1:{port} -> 1"
        self.rule(f"*port-forward*{target}*", f"echo '{line}'; exec sleep 20")
