"""Times synthesis with plain and with lazy bindings.

``uv run --group dev python -m benchmarks.synth``

The two variants run alternately, so that other load on the machine affects both. Peak memory is the
sum of the resident set sizes of all processes of the command, sampled every 20 ms.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Final

import psutil

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "performance.md"
ENV: Final = ROOT / "tests" / "env" / "accepts.eight-variables.env"
SAMPLE_SECONDS: Final = 0.02
MIB: Final = 2**20
STACKS: Final = (1, 3, 10, 30)
VARIANTS: Final = {"plain": "1", "lazy": "0"}


@dataclass(frozen=True)
class Run:
    """One run of a command."""

    seconds: float
    peak: float
    """Peak memory, in MiB."""


@dataclass
class Pair:
    """A command and its runs by variant."""

    name: str
    command: list[str]
    goal: str
    """Gain to reach, as text."""
    cold: bool = False
    """Whether each run starts with an empty jsii cache."""
    variants: tuple[str, ...] = tuple(VARIANTS)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    """Measured runs by variant."""

    def rows(self) -> Iterator[str]:
        """Yield a row of the Markdown table for each variant."""
        for variant, runs in self.runs.items():
            seconds = [run.seconds for run in runs]
            peak = median(run.peak for run in runs)
            gain = self._gain() if variant == "lazy" else ""
            yield (
                f"| `{self.name}` | {variant} | {min(seconds):.2f} | {median(seconds):.2f} "
                f"| {peak:.0f} | {gain} | {self.goal if variant == 'lazy' else ''} |"
            )

    def _gain(self) -> str:
        """Return the ratios of the medians of time and memory, plain to lazy."""
        if "plain" not in self.runs:
            return ""
        plain, lazy = self.runs["plain"], self.runs["lazy"]
        faster = median(run.seconds for run in plain) / median(run.seconds for run in lazy)
        smaller = median(run.peak for run in plain) / median(run.peak for run in lazy)
        return f"{faster:.1f} x faster, 1/{smaller:.1f} of the memory"


@contextmanager
def checkout() -> Iterator[Path]:
    """Yield a temporary copy of the project, with an ``.env`` and node_modules."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = subprocess.run(
            ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for file in files.stdout.splitlines():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, folder / file)
        shutil.copy(ENV, folder / ".env")
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
        yield folder


def measure(command: list[str], folder: Path, environment: dict[str, str]) -> Run:
    """Run a command and return its time and peak memory; exit if it fails.

    Args:
        command: command line.
        folder: working directory.
        environment: additional environment variables.

    """
    started, peak = time.monotonic(), 0.0
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**bare_environment(), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(SAMPLE_SECONDS)
    seconds = time.monotonic() - started
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}; see it by hand")
    return Run(seconds, peak)


def bare_environment() -> dict[str, str]:
    """Return the environment without PYTHONDONTWRITEBYTECODE, so that bytecode is cached."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def resident(pid: int) -> float:
    """Return the resident set size of a process and its descendants, in MiB."""
    total = 0
    try:
        leader = psutil.Process(pid)
        for each in (leader, *leader.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total / MIB


def measure_pair(pair: Pair, folder: Path, runs: int) -> None:
    """Run the variants alternately, ``runs`` times, after a warm-up that is not counted."""
    for number in range(runs if pair.cold else runs + 1):
        for variant in pair.variants:
            environment = {"PLAIN_BINDINGS": VARIANTS[variant]}
            with tempfile.TemporaryDirectory() as cache:
                if pair.cold:
                    environment["JSII_RUNTIME_PACKAGE_CACHE_ROOT"] = cache
                run = measure(pair.command, folder, environment)
            warm_up = not pair.cold and number == 0
            note = "warm-up" if warm_up else f"run {number + pair.cold}"
            print(
                f"{pair.name} {variant} {note}: {run.seconds:.2f} s, {run.peak:.0f} MiB",
                file=sys.stderr,
            )
            if not warm_up:
                pair.runs.setdefault(variant, []).append(run)


def growth(folder: Path) -> dict[int, float]:
    """Return the seconds by number of stacks in one process, without its start."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.many_stacks", *map(str, STACKS)],
        cwd=folder,
        env={**bare_environment(), "PLAIN_BINDINGS": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    return {int(count): seconds for count, seconds in json.loads(done.stdout).items()}


def tables(pairs: list[Pair], grown: dict[int, float], machine: str) -> str:
    """Return the results as Markdown tables."""
    head = "| command | bindings | min s | median s | peak MiB | gain | goal |"
    rows = [row for pair in pairs for row in pair.rows()]
    first, last = min(grown), max(grown)
    flat = (grown[last] - grown[first]) / (last - first)
    counts = " | ".join(f"{seconds:.2f}" for seconds in grown.values())
    return "\n".join(
        [
            f"{machine}:",
            "",
            head,
            "|---|---|---|---|---|---|---|",
            *rows,
            "",
            f"| stacks | {' | '.join(map(str, grown))} |",
            f"|---|{'---|' * len(grown)}",
            f"| seconds | {counts} |",
            "",
            f"Each further stack takes {flat * 1000:.0f} ms.",
        ]
    )


def machine() -> str:
    """Return the date, and a description of the machine."""
    date = datetime.now(tz=UTC).date().isoformat()
    memory = psutil.virtual_memory().total / 2**30
    return (
        f"{date}, {os.cpu_count()} processors, {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time synthesis.")
    parser.add_argument("--runs", type=int, default=5, help="of each variant (5)")
    parser.add_argument("--json", action="store_true", help="print every run as JSON")
    parser.add_argument("--write", action="store_true", help="write docs/performance.md")
    arguments = parser.parse_args()
    python = sys.executable
    cdktf = [str(ROOT / "node_modules" / ".bin" / "cdktf"), "synth"]
    program = [python, "main.py"]
    tests = [python, "-m", "pytest", "-q"]
    pairs = [
        Pair("python main.py", program, "12 x faster, 1/4 of the memory"),
        Pair("npx cdktf synth", cdktf, "4 x faster"),
        Pair("pytest", tests, "8 s", variants=("lazy",)),
        Pair("python main.py, first run", program, "1.8 x faster", cold=True),
    ]
    os.environ["PATH"] = f"{Path(python).parent}{os.pathsep}{os.environ['PATH']}"
    with checkout() as folder:
        for pair in pairs:
            measure_pair(pair, folder, arguments.runs)
        grown = growth(folder)
    if arguments.json:
        print(json.dumps({"pairs": [asdict(pair) for pair in pairs], "stacks": grown}, indent=2))
        return
    found = tables(pairs, grown, machine())
    print(found)
    if arguments.write:
        page = PAGE.read_text(encoding="utf-8")
        block = f"<!-- measured -->\n{found}\n<!-- /measured -->"
        pattern = "<!-- measured -->.*<!-- /measured -->"
        PAGE.write_text(re.sub(pattern, lambda _: block, page, flags=re.DOTALL), encoding="utf-8")


if __name__ == "__main__":
    main()
