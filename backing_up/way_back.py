"""The way back to Langfuse 3: a backup of each half, made before the migrations of Langfuse 4.

``upgrade.py`` makes both, and marks them by an object in the bucket, written last: one line with
the time of ClickHouse's backup (or ``-``, or ``own``), the database's snapshot, Langfuse's version,
and when they were begun. No prune deletes what is marked; the plan of app reads the mark.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from backing_up import clickhouse
from backing_up.account import Account, BackupError
from in_cluster.names import WAY_BACK_OBJECT

TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
REMARK: Final = "way back to Langfuse 3"
_NOTHING: Final = "-"
# The backup that the user has made of a ClickHouse of their own.
OWN: Final = "own"


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """What the mark says."""

    backup: str | None
    """Backup of ClickHouse; None if ClickHouse was empty, ``OWN`` if it is the user's own."""
    snapshot: str
    version: str
    """Version of Langfuse, such as ``3.225.11``."""
    time: datetime
    """When the two were begun: what has come since is in neither."""


def find(account: Account) -> WayBack | None:
    """Return the way back; None if there is none.

    Raises:
        BackupError: the mark cannot be read.

    """
    text = clickhouse.read(account, WAY_BACK_OBJECT)
    if not text:
        return None
    try:
        backup, snapshot, version, time = text.split()
        begun = datetime.strptime(time, TIME).replace(tzinfo=UTC)
    except ValueError:
        message = (
            f"{WAY_BACK_OBJECT} in the bucket is not as upgrade.py writes it: run that again, or "
            "delete the object"
        )
        raise BackupError(message) from None
    return WayBack(
        backup=None if backup == _NOTHING else backup,
        snapshot=snapshot,
        version=version,
        time=begun,
    )


def mark(account: Account, made: WayBack) -> None:
    """Make these two the way back, in place of older ones."""
    backup, time = made.backup or _NOTHING, f"{made.time:{TIME}}"
    clickhouse.write(account, WAY_BACK_OBJECT, f"{backup} {made.snapshot} {made.version} {time}")


def names(found: WayBack | None) -> set[str | None]:
    """Return the names of both backups, for a list or a prune."""
    return {found.backup, found.snapshot} if found else set()
