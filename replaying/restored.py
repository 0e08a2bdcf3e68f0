"""Since when events may be missing from ClickHouse, by what it was restored from."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from in_cluster.names import CLICKHOUSE, RESTORED
from verification.cluster import Cluster

# Begins the first line of the marker, unless that is "nothing".
BACKUP_TIME: Final = re.compile(r"(\d{8}T\d{6})Z\b")

# A row that the backup lacks may be of an event that is older than the backup: the event waited in
# a queue, its job was tried six times in 155 s, or the row waited ten minutes in the worker.
MARGIN: Final = timedelta(hours=1)

# Begins what stands for a marker where ClickHouse is the user's own.
OWN: Final = "own"

BEGINNING: Final = datetime.fromtimestamp(0, tz=UTC)


def read_marker(cluster: Cluster) -> str:
    """Return the first line of what ClickHouse was restored from; empty if there is no marker.

    Of a ClickHouse of the user's own, which has none, return ``OWN`` and its URL.

    Raises:
        CheckError: ClickHouse's pod cannot be reached.

    """
    if own := cluster.own_clickhouse:
        return f"{OWN} {own}"
    script = f"cat {RESTORED} 2>/dev/null || true"
    found = cluster.kubectl("exec", f"pod/{CLICKHOUSE}-0", "--", "sh", "-c", script)
    return (found.strip().splitlines() or [""])[0]


def since(marker: str) -> tuple[datetime, str]:
    """Return the default of ``--since`` for this marker, and the reason in a few words."""
    if match := BACKUP_TIME.match(marker):
        backup = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        return backup - MARGIN, f"an hour before backup {match[0]}, from which ClickHouse came"
    if marker.startswith(f"{OWN} "):
        return BEGINNING, "ClickHouse is your own, so all events"
    return BEGINNING, "ClickHouse was not restored from a backup, so all events"
