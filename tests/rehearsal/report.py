"""Writes docs/rehearsal.md: what a run has seen, with which versions, and what it cannot see."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

# By stand-in: what it answers without doing it.
CANNOT_PROVE: Final = {
    "EKS (an echo of its API)": "that AWS takes the cluster, its nodes join, or its add-ons start",
    "AWS (moto)": "IAM permissions, quotas, times, network reachability, TLS, and CloudFormation's "
    "own handling of NoEcho parameters and stack policies",
    "RDS (moto)": "what is in a database: a tag stands for a row",
    "Terraform Cloud (a fake)": "its permissions, its plans, and state sharing between workspaces",
    "Nodes (kwok)": "that images can be had, containers start, migrations run, memory suffices",
    "A mirror of providers and modules": "what the exact pinned builds do, where the mirror holds "
    "others in their place",
}


@dataclass
class Report:
    """What the tests of one run have said."""

    steps: list[tuple[str, str, float]] = field(default_factory=list)
    locks: set[Path] = field(default_factory=set)

    def text(self) -> str:
        """Return the page."""
        today = datetime.now(tz=UTC).date().isoformat()
        minutes = sum(seconds for *_, seconds in self.steps) / 60
        lines = [
            "# Rehearsal",
            "",
            (
                f"Written by `uv run pytest -m rehearsal --rehearsal-report` on {today}: "
                f"{len(self.steps)} steps in {minutes:.0f} minutes."
            ),
            "",
            "Providers: " + ", ".join(self._providers()) + ".",
            "",
            "| part | what was seen | seconds |",
            "|---|---|---|",
            *(f"| {part} | {step} | {seconds:.0f} |" for part, step, seconds in self.steps),
            "",
            "## What it cannot prove",
            "",
            "| stand-in | what it does not model |",
            "|---|---|",
            *(f"| {stand_in} | {gap} |" for stand_in, gap in CANNOT_PROVE.items()),
            "",
        ]
        return "\n".join(lines)

    def _providers(self) -> list[str]:
        found = set()
        for lock in self.locks:
            text = lock.read_text(encoding="utf-8")
            found |= set(re.findall(r'provider "[^"]+/([\w-]+)" \{\s+version\s+= "([^"]+)"', text))
        return [f"{name} {version}" for name, version in sorted(found)]
