"""One backup, of either half, as a row of the list."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

# AWS bills gigabytes of 2^30 bytes.
GIGABYTE: Final = 2**30


@dataclass(frozen=True, kw_only=True)
class Backup:
    """A snapshot of the database or a backup of ClickHouse."""

    name: str
    """Name in AWS; for ClickHouse the time as its folder has it."""
    kind: str
    time: datetime
    """When it was begun."""
    gigabytes: float
    usd: float | None
    """Price a month; None if it is part of another row's."""
    is_bound: bool = False
    """Whether size and price are upper bounds: AWS does not tell what a snapshot takes."""
    is_complete: bool = True
    remark: str = ""


def newest(backups: list[Backup]) -> Backup | None:
    """Return the newest complete one."""
    complete = [each for each in backups if each.is_complete]
    return max(complete, key=lambda each: each.time, default=None)
