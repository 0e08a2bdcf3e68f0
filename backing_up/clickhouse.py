"""Backups of ClickHouse in the bucket: ``in_cluster/backup.js`` makes them."""

import re
from collections import Counter
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from typing import Final

from botocore.exceptions import ClientError  # type: ignore[import-untyped]

from backing_up.account import Account, BackupError, code_of
from backing_up.backup import GIGABYTE, Backup, newest
from in_cluster.names import BACKUPS_PREFIX
from pricing.prices import S3_STANDARD_GB

KIND: Final = "ClickHouse"
TIME: Final = "%Y%m%dT%H%M%SZ"
FOLDER: Final = re.compile(r"\d{8}T\d{6}Z")
# ClickHouse writes it last.
COMPLETE: Final = ".backup"
CHOSEN: Final = f"{BACKUPS_PREFIX}chosen"
# What restore.sh leaves in the choice that it has restored.
NEWEST: Final = "newest"
# The choice to restore nothing.
NONE: Final = "none"
FEWEST_KEPT: Final = 2
# An incomplete one may be in the making until then.
LONGEST: Final = timedelta(days=1)


def backups(account: Account) -> list[Backup]:
    """Return all backups, also incomplete ones; none if there is no bucket."""
    sizes: Counter[str] = Counter()
    complete = set()
    pages = account.client("s3").get_paginator("list_objects_v2")
    try:
        for page in pages.paginate(**account.bucket, Prefix=BACKUPS_PREFIX):
            for each in page.get("Contents", ()):
                folder, _, file = each["Key"].removeprefix(BACKUPS_PREFIX).partition("/")
                sizes[folder] += each["Size"]
                if file == COMPLETE:
                    complete.add(folder)
    except ClientError as error:
        if code_of(error) != "NoSuchBucket":
            raise
    return [
        Backup(
            name=folder,
            kind=KIND,
            time=datetime.strptime(folder, TIME).replace(tzinfo=UTC),
            gigabytes=size / GIGABYTE,
            usd=size / GIGABYTE * S3_STANDARD_GB.usd,
            is_complete=folder in complete,
            remark="" if folder in complete else "incomplete",
        )
        for folder, size in sizes.items()
        if FOLDER.fullmatch(folder)
    ]


def chosen(account: Account) -> str | None:
    """Return the name of the backup that the next restore takes; None for the newest."""
    name = read(account, CHOSEN)
    return None if name in {"", NEWEST} else name


def read(account: Account, key: str) -> str:
    """Return the text of an object; empty if there is none."""
    try:
        found = account.client("s3").get_object(**account.bucket, Key=key)
    except ClientError as error:
        if code_of(error) not in {"NoSuchKey", "NoSuchBucket"}:
            raise
        return ""
    text: str = found["Body"].read().decode(errors="replace")
    return text.strip()


def write(account: Account, key: str, text: str) -> None:
    """Write a line to an object; Terraform reads objects of the type text only."""
    account.client("s3").put_object(
        **account.bucket, Key=key, Body=f"{text}\n".encode(), ContentType="text/plain"
    )


def restored_next(found: list[Backup], choice: str | None) -> Backup | None:
    """Return the backup that the next restore takes; None if there is none."""
    return newest([each for each in found if choice in {None, each.name}])


def choose(account: Account, name: str) -> str:
    """Let the next restore take this backup, ``newest`` or ``none``, and return a line about it.

    Raises:
        BackupError: there is no such backup, or it is not complete.

    """
    if name == NEWEST:
        if chosen(account):
            account.client("s3").delete_object(**account.bucket, Key=CHOSEN)
        return "The next restore takes the newest backup."
    if name != NONE:
        require(account, name)
    write(account, CHOSEN, name)
    taken = "no backup" if name == NONE else name
    return (
        f"The next restore takes {taken}, once. ClickHouse restores when it starts on a new "
        "volume: after a destroy and a deploy of app."
    )


def require(account: Account, name: str) -> None:
    """Check that a backup can be restored.

    Raises:
        BackupError: there is no such backup, or it is not complete.

    """
    found = {each.name: each for each in backups(account)}
    if name not in found:
        message = f"There is no backup {name}; uv run backups.py lists them"
        raise BackupError(message)
    if not found[name].is_complete:
        message = f"The backup {name} is incomplete; choose another: uv run backups.py lists them"
        raise BackupError(message)


def superfluous(found: list[Backup], spared: Collection[str | None], kept: int) -> list[Backup]:
    """Return the backups to delete: complete ones beyond ``kept``, and incomplete ones that ended.

    Those whose names are in ``spared`` stay in addition.
    """
    complete = sorted((each for each in found if each.is_complete), key=lambda each: each.time)
    if not complete:
        return []
    before = min(datetime.now(UTC) - LONGEST, complete[-1].time)
    dead = [each for each in found if not each.is_complete and each.time < before]
    return [each for each in (*complete[:-kept], *dead) if each.name not in spared]


def remove(account: Account, name: str) -> None:
    """Delete a backup with all versions of its objects.

    Raises:
        BackupError: S3 does not delete an object.

    """
    # First what makes it complete: half a backup must not look like a whole one.
    remove_versions(account, f"{BACKUPS_PREFIX}{name}/{COMPLETE}")
    remove_versions(account, f"{BACKUPS_PREFIX}{name}/")


def remove_versions(
    account: Account, prefix: str, progress: Callable[[int], object] = lambda _: None
) -> None:
    """Delete every version of the objects below a prefix.

    Args:
        account: the account.
        prefix: prefix of keys.
        progress: called with the number of versions that are deleted so far.

    Raises:
        BackupError: S3 does not delete an object.

    """
    s3 = account.client("s3")
    count = 0
    while True:
        page = s3.list_object_versions(**account.bucket, Prefix=prefix)
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        if not found:
            return
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        delete = {"Objects": objects, "Quiet": True}
        errors = s3.delete_objects(**account.bucket, Delete=delete).get("Errors")
        if errors:
            message = f"S3 does not delete {errors[0]['Key']}: {errors[0]['Code']}"
            raise BackupError(message)
        count += len(objects)
        progress(count)
