"""A check and what it finds, for verify.py and check_account.py."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from verification.cluster import CheckError

SubjectT = TypeVar("SubjectT")

# Whether it is no reason to fail, and the line to print.
Line = tuple[bool, str]
# A warning fails nothing.
Status = Literal["ok", "warning", "failed"]
# By names that end with the unit, such as used_bytes.
Values = Mapping[str, float | str | None]


class CheckWarning(CheckError):  # noqa: N818 - it fails nothing
    """A part may not work, or could not be checked; that alone fails nothing."""


@dataclass(frozen=True)
class Reading:
    """What a check has measured."""

    text: str
    """Numbers in a few words; unless it is ok, also the next step for the user."""
    values: Values
    status: Status = "ok"


@dataclass(frozen=True)
class Result:
    """The verdict on one part."""

    part: str
    status: Status
    text: str
    values: Values = field(default_factory=dict)

    @property
    def line(self) -> Line:
        """Whether it is no reason to fail, and the line to print."""
        verdict = {"ok": "ok   ", "warning": "warning: ", "failed": ""}[self.status]
        return self.status != "failed", f"{self.part:12} {verdict}{self.text}"


@dataclass(frozen=True)
class Check(Generic[SubjectT]):
    """A part of an installation and its check."""

    part: str
    run: Callable[[SubjectT], str | Reading]
    """Returns a short result; raises ``CheckError`` if the part does not work."""
    remedy: str = ""
    """Next step for the user if the check fails; empty if each message has its own."""

    def result(self, subject: SubjectT) -> Result:
        """Return what the check finds."""
        try:
            found = self.run(subject)
        except CheckWarning as warning:
            return Result(self.part, "warning", str(warning))
        except CheckError as error:
            return self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the other checks must still run
            return self._failed(f"unreadable ({type(error).__name__})")
        if isinstance(found, str):
            return Result(self.part, "ok", found)
        return Result(self.part, found.status, found.text, found.values)

    def line(self, subject: SubjectT) -> Line:
        """Return whether the check passed, and the line to print."""
        return self.result(subject).line

    def _failed(self, reason: str) -> Result:
        return Result(self.part, "failed", "; ".join(filter(None, (reason, self.remedy))))


def warning_line(part: str, text: str) -> str:
    """Return the line of a part that may not work."""
    return Result(part, "warning", text).line[1]


def print_lines(lines: Iterable[Line]) -> bool:
    """Print each line as soon as it is there, and return whether all checks passed."""
    all_ok = True
    for ok, line in lines:
        print(line, flush=True)
        all_ok &= ok
    return all_ok
