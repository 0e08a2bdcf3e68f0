"""Deletes older backups of both halves."""

from backing_up import clickhouse, database, way_back
from backing_up.account import Account
from backing_up.backup import Backup


def superfluous(account: Account, kept: int) -> list[Backup]:
    """Return what a prune deletes: final snapshots and backups of ClickHouse beyond ``kept`` each.

    Snapshots with other names were made by hand, and stay; so does the way back to Langfuse 3.
    """
    marked = way_back.names(way_back.find(account))
    prefix = database.final_name(account, "")
    snapshots = [
        each
        for each in database.snapshots(account)
        if each.is_complete and each.name.startswith(prefix) and each.name not in marked
    ]
    snapshots.sort(key=lambda each: each.time)
    spared = {clickhouse.chosen(account), *marked}
    return [*snapshots[:-kept], *clickhouse.superfluous(clickhouse.backups(account), spared, kept)]


def delete(account: Account, backup: Backup) -> None:
    """Delete a snapshot of the database or a backup of ClickHouse.

    Raises:
        BackupError: S3 does not delete an object.

    """
    if backup.kind == clickhouse.KIND:
        clickhouse.remove(account, backup.name)
    else:
        database.delete_snapshot(account, backup.name)
