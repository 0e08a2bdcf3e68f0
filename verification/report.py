"""How verify.py shows a round of results: lines, a JSON document, or what has changed."""

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Final

from verification.check import Result, print_lines

# Shows the results of a round, and returns whether all passed.
Show = Callable[[Iterable[Result]], bool]

# Back to the start of the terminal's line, and clear it.
_AGAIN: Final = "\r\033[K"


def show_lines(results: Iterable[Result]) -> bool:
    """Print a line for each result as soon as it is there."""
    return print_lines(each.line for each in results)


class ShowDocuments:
    """Prints a JSON document on one line; docs/operations.md has its keys."""

    def __init__(self, installation: str) -> None:
        """Take the name of the installation."""
        self._installation = installation

    def __call__(self, results: Iterable[Result]) -> bool:
        """Print the document of a round."""
        found = list(results)
        ok = all(each.status != "failed" for each in found)
        checks = [
            {"part": each.part, "status": each.status, "text": each.text, "values": each.values}
            for each in found
        ]
        document = {
            "time": _now(),
            "installation": self._installation,
            "ok": ok,
            "checks": checks,
        }
        print(json.dumps(document), flush=True)
        return ok


class ShowChanges:
    """Prints all lines of the first round; of each further one, under its time, what is new.

    New is another status, and another text of what is not ok: numbers that are ok change always.
    """

    def __init__(self) -> None:
        """Know no result yet."""
        self._last: dict[str, Result] = {}
        self._is_terminal = sys.stdout.isatty()

    def __call__(self, results: Iterable[Result]) -> bool:
        """Print what is new in a round."""
        if not self._last:
            print(_now(), flush=True)
        ok = True
        has_heading = not self._last
        for each in results:
            ok &= each.status != "failed"
            if self._is_new(each):
                if not has_heading:
                    print(f"{_AGAIN if self._is_terminal else ''}\n{_now()}")
                    has_heading = True
                print(each.line[1], flush=True)
            self._last[each.part] = each
        if self._is_terminal:
            # So that one sees that it is at work.
            print(f"{_AGAIN}{_now()} looked", end="", flush=True)
        return ok

    def _is_new(self, result: Result) -> bool:
        last = self._last.get(result.part)
        if last is None or last.status != result.status:
            return True
        return result.status != "ok" and last.text != result.text


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
