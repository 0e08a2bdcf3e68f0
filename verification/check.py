"""A check and the line that it prints, for verify.py and check_account.py."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from verification.cluster import CheckError

SubjectT = TypeVar("SubjectT")

# Whether it is no reason to fail, and the line to print.
Line = tuple[bool, str]


class CheckWarning(CheckError):  # noqa: N818 - it fails nothing
    """A part may not work, or could not be checked; that alone fails nothing."""


@dataclass(frozen=True)
class Check(Generic[SubjectT]):
    """A part of an installation and its check."""

    part: str
    run: Callable[[SubjectT], str]
    """Returns a short result; raises ``CheckError`` if the part does not work."""
    remedy: str = ""
    """Next step for the user if the check fails; empty if each message has its own."""

    def line(self, subject: SubjectT) -> Line:
        """Return whether the check passed, and the line to print."""
        try:
            found = self.run(subject)
        except CheckWarning as warning:
            return True, warning_line(self.part, str(warning))
        except CheckError as error:
            return False, self._failed(str(error))
        except Exception as error:  # noqa: BLE001 - the other checks must still run
            return False, self._failed(f"unreadable ({type(error).__name__})")
        return True, f"{self.part:12} ok   {found}"

    def _failed(self, reason: str) -> str:
        return f"{self.part:12} {'; '.join(filter(None, (reason, self.remedy)))}"


def warning_line(part: str, text: str) -> str:
    """Return the line of a part that may not work."""
    return f"{part:12} warning: {text}"


def print_lines(lines: Iterable[Line]) -> bool:
    """Print each line as soon as it is there, and return whether all checks passed."""
    all_ok = True
    for ok, line in lines:
        print(line, flush=True)
        all_ok &= ok
    return all_ok
