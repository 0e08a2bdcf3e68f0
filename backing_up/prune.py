"""Deletes older backups of both halves."""

from backing_up import clickhouse, database
from backing_up.account import Account
from backing_up.backup import Backup


def superfluous(account: Account, kept: int) -> list[Backup]:
    """Return what a prune deletes: final snapshots and backups of ClickHouse beyond ``kept`` each.

    Snapshots with other names were made by hand, and stay.
    """
    prefix = f"final-{account.name}-"
    snapshots = [
        each
        for each in database.snapshots(account)
        if each.is_complete and each.name.startswith(prefix)
    ]
    snapshots.sort(key=lambda each: each.time)
    found, choice = clickhouse.backups(account), clickhouse.chosen(account)
    return [*snapshots[:-kept], *clickhouse.superfluous(found, choice, kept)]


def delete(account: Account, backup: Backup) -> None:
    """Delete a snapshot of the database or a backup of ClickHouse.

    Raises:
        BackupError: S3 does not delete an object.

    """
    if backup.kind == clickhouse.KIND:
        clickhouse.remove(account, backup.name)
    else:
        database.delete_snapshot(account, backup.name)
