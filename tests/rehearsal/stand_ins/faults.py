"""Errors that a stand-in is told to answer with, in place of what it was asked for."""

import re
from dataclasses import dataclass
from typing import Final, Self

# Path under which the process that runs moto is told of faults, and asked for its calls.
CONTROL: Final = "/rehearsal-control/"


@dataclass
class Fault:
    """An error, and how many more requests like ``matching`` it meets."""

    times: int
    status: int
    code: str
    matching: re.Pattern[str]


class Faults:
    """What is still to go wrong, in the order in which it was planned."""

    def __init__(self) -> None:
        """Plan nothing."""
        self._planned: list[Fault] = []

    def plan(self, times: int, status: int, code: str, matching: str = "") -> Self:
        """Have the next ``times`` requests fail whose line is like ``matching``."""
        self._planned.append(Fault(times, status, code, re.compile(matching)))
        return self

    def forgive(self) -> None:
        """Let nothing more go wrong."""
        self._planned.clear()

    def left(self) -> int:
        """Count the planned failures that nothing has met yet."""
        return sum(fault.times for fault in self._planned)

    def meet(self, line: str) -> Fault | None:
        """Return the failure that this request meets, if any."""
        for fault in self._planned:
            if fault.times > 0 and fault.matching.search(line):
                fault.times -= 1
                return fault
        return None
