"""Snapshots of the database."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from backing_up.account import Account, BackupError
from backing_up.backup import Backup
from pricing.prices import RDS_SNAPSHOT_GB
from progress import Progress

FINAL: Final = "database"
AUTOMATED: Final = "database, automated"


# Seconds between two looks at a snapshot in the making, and for all of it: 20 GB take minutes.
POLL_INTERVAL: Final = 5.0
LONGEST: Final = 2 * 3600.0


def final_name(account: Account, suffix: str) -> str:
    """Return the name of a snapshot that the deployer's policy allows and a prune deletes."""
    return f"final-{account.name}-{suffix}"


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


def make_snapshot(account: Account, name: str) -> None:
    """Begin a snapshot of the database, with the tag by which a deploy finds it."""
    tags = [{"Key": "Project", "Value": account.name}]
    account.client("rds").create_db_snapshot(
        DBInstanceIdentifier=account.name, DBSnapshotIdentifier=name, Tags=tags
    )


def copy_snapshot(account: Account, name: str, copy: str) -> None:
    """Begin a copy, with the tags of the snapshot: it is newer than what it was copied from."""
    account.client("rds").copy_db_snapshot(
        SourceDBSnapshotIdentifier=name, TargetDBSnapshotIdentifier=copy, CopyTags=True
    )


def wait_for(account: Account, name: str, progress: Progress) -> None:
    """Return when a snapshot is complete.

    Raises:
        BackupError: it has failed, or does not end.

    """
    deadline = time.monotonic() + LONGEST
    remark = ""
    while time.monotonic() < deadline and not remark.startswith("failed"):
        # RDS may list it a moment later.
        found = {each.name: each for each in snapshots(account)}.get(name)
        if found and found.is_complete:
            progress.step("snapshot", name)
            return
        remark = found.remark if found else "begun"
        progress.under_way("snapshot", f"{name}: {remark}")
        time.sleep(POLL_INTERVAL)
    message = f"the snapshot {name} is not complete: {remark}. Run it again: it makes another one"
    raise BackupError(message)


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
