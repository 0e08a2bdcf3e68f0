"""Progress on standard output: a line that rewrites itself on a terminal, plain lines elsewhere."""

import sys
import time
from types import TracebackType
from typing import Final, Self

WIDTH: Final = 30
# Seconds between two plain lines of the same step.
PLAIN_INTERVAL: Final = 10


class Progress:
    """Prints steps that end, and one that is under way."""

    def __init__(self) -> None:
        """Print nothing yet."""
        self._is_terminal = sys.stdout.isatty()
        self._open = ""
        self._printed = 0.0

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the line that is under way, so that a message begins on one of its own."""
        self._close()

    def step(self, name: str, text: str) -> None:
        """Print a step that has ended."""
        self._close()
        self._write(f"{name:9} {text}\n")

    def bar(self, name: str, done: int, total: int) -> None:
        """Show how much of a step is done."""
        share = done / total if total else 1
        filled = round(share * WIDTH)
        text = f"[{'#' * filled}{'-' * (WIDTH - filled)}] {share:4.0%} {done:,} of {total:,}"
        self.under_way(name, text, ended=done >= total)

    def under_way(self, name: str, text: str, *, ended: bool = False) -> None:
        """Show a step that goes on."""
        if self._is_terminal:
            self._write(f"\r\033[K{name:9} {text}")
            self._open = name
            return
        now = time.monotonic()
        if ended or name != self._open or now - self._printed >= PLAIN_INTERVAL:
            self._write(f"{name:9} {text}\n")
            self._printed = now
        self._open = name

    def _close(self) -> None:
        if self._open and self._is_terminal:
            self._write("\n")
        self._open = ""

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
