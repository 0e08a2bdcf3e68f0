"""Snapshots of the database."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from backing_up.account import Account
from backing_up.backup import Backup
from pricing.prices import RDS_SNAPSHOT_GB

FINAL: Final = "database"
AUTOMATED: Final = "database, automated"


def is_running(account: Account) -> bool:
    """Tell whether there is a database instance, in whatever state."""
    pages = account.client("rds").get_paginator("describe_db_instances").paginate()
    return any(
        each["DBInstanceIdentifier"] == account.name
        for page in pages
        for each in page["DBInstances"]
    )


def snapshots(account: Account) -> list[Backup]:
    """Return the manual snapshots, which a destroy makes and a deploy restores."""
    return [_snapshot(each, FINAL) for each in _snapshots(account, "manual")]


def automated(account: Account) -> list[Backup]:
    """Return the automated snapshots, and those backups that a destroy has retained."""
    retained = [
        Backup(
            name=each["DbiResourceId"],
            kind=AUTOMATED,
            time=each["RestoreWindow"]["LatestTime"],
            gigabytes=each["AllocatedStorage"],
            usd=each["AllocatedStorage"] * RDS_SNAPSHOT_GB.usd,
            is_bound=True,
            remark=f"any time since {each['RestoreWindow']['EarliestTime']:%Y-%m-%d %H:%M}",
        )
        for each in retained_backups(account)
        if "RestoreWindow" in each
    ]
    # Automated snapshots are free while the database runs, and afterwards part of what is retained.
    return [*(_snapshot(each, AUTOMATED) for each in _snapshots(account, "automated")), *retained]


def retained_backups(account: Account) -> list[dict[str, Any]]:
    """Return the automated backups of databases that are gone, as RDS describes them."""
    pages = account.client("rds").get_paginator("describe_db_instance_automated_backups")
    return [
        each
        for page in pages.paginate(DBInstanceIdentifier=account.name)
        for each in page["DBInstanceAutomatedBackups"]
        if each["Status"] == "retained"
    ]


def delete_snapshot(account: Account, name: str) -> None:
    """Delete a manual snapshot."""
    account.client("rds").delete_db_snapshot(DBSnapshotIdentifier=name)


def _snapshots(account: Account, kind: str) -> Iterator[dict[str, Any]]:
    pages = account.client("rds").get_paginator("describe_db_snapshots")
    for page in pages.paginate(DBInstanceIdentifier=account.name, SnapshotType=kind):
        yield from page["DBSnapshots"]


def _snapshot(found: dict[str, Any], kind: str) -> Backup:
    gigabytes = found["AllocatedStorage"]
    is_complete = found["Status"] == "available"
    return Backup(
        name=found["DBSnapshotIdentifier"],
        kind=kind,
        # Absent until the snapshot is there.
        time=found.get("SnapshotCreateTime") or datetime.now(UTC),
        gigabytes=gigabytes,
        usd=gigabytes * RDS_SNAPSHOT_GB.usd if kind == FINAL else None,
        is_bound=True,
        is_complete=is_complete,
        remark="" if is_complete else f"{found['Status']}, {found.get('PercentProgress', 0)} %",
    )
