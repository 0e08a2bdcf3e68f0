"""Prints the steps of a rehearsal as they end, and writes docs/rehearsal.md if all passed."""

import inspect
import os
import platform
import time
from datetime import UTC, datetime
from operator import itemgetter
from pathlib import Path
from typing import Final

import pytest

from tests.helpers.checkout import ROOT

PROVES: Final = "proves"
VERSION: Final = "version"
PAGE: Final = ROOT / "docs" / "rehearsal.md"
LIMIT: Final = "Cannot prove:"
INTRODUCTION: Final = """\
# Rehearsal

Each part is an installation of its own: a checkout, an account (moto), an EKS that echoes, a
Terraform Cloud, and where Kubernetes is at hand a real control plane with simulated nodes (kwok).
Real Terraform runs the unmodified stacks there. Parts run side by side, the steps of a part follow
each other.

This page was written by `uv run --all-groups pytest -m rehearsal --rehearsal-report` on {date}:
{steps} steps in {minutes} minutes on {processors} processors ({system}), with {versions}.

| part | what a step proves | what it cannot prove | seconds |
|---|---|---|---|
"""


def claim(docstring: str) -> tuple[str, str]:
    """Split a step's docstring into what it proves and what it cannot."""
    proves, _, limit = " ".join(inspect.cleandoc(docstring).split()).partition(LIMIT)
    return proves.strip(), limit.strip()


class Report:
    """A pytest plugin; with several workers it belongs to the process that directs them."""

    def __init__(self, config: pytest.Config) -> None:
        """Start the clock."""
        self._config = config
        self._started = time.monotonic()
        self._rows: list[tuple[str, str]] = []
        self._skipped: set[str] = set()
        self._versions: set[str] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record a step that has ended, and print its result."""
        properties = report.user_properties
        self._versions |= {str(value) for name, value in properties if name == VERSION}
        part = Path(report.location[0]).stem.removeprefix("test_")
        step = report.location[2].removeprefix("test_").replace("_", " ")
        if report.skipped and isinstance(report.longrepr, tuple):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self._skipped.add(f"{part}: {step} ({reason})")
        if report.when != "call" and not report.failed:
            return
        terminal = self._config.pluginmanager.getplugin("terminalreporter")
        terminal.ensure_newline()
        terminal.write_line(f"{report.duration:6.1f} s  {part}: {step}: {report.outcome}")
        if report.passed:
            proves, limit = claim(str(dict(properties)[PROVES]))
            row = f"| {part} | {proves} | {limit} | {report.duration:.0f} |\n"
            self._rows.append((part, row))

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write the page, if that was asked for and every step has passed."""
        if self._config.getoption("--rehearsal-report") and exitstatus == 0 and self._rows:
            PAGE.write_text(self._page(), encoding="utf-8")

    def _page(self) -> str:
        introduction = INTRODUCTION.format(
            date=datetime.now(tz=UTC).date().isoformat(),
            steps=len(self._rows),
            minutes=round((time.monotonic() - self._started) / 60, 1),
            processors=os.cpu_count(),
            system=f"{platform.system()}, Python {platform.python_version()}",
            versions=", ".join(sorted(self._versions)),
        )
        rows = [row for _, row in sorted(self._rows, key=itemgetter(0))]
        skipped = [f"\nNot run: {each}.\n" for each in sorted(self._skipped)]
        return "".join([introduction, *rows, *skipped])
