"""The list of backups as text."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from backing_up import clickhouse, database, way_back
from backing_up.account import Account
from backing_up.backup import Backup, newest
from pricing import prices
from retained.names import FAR_APART_HOURS

OF_OWN = (
    "ClickHouse is your own (CLICKHOUSE_URL): its backups are made where it runs, and no deploy "
    "restores those of ClickHouse that are listed here. Without CLICKHOUSE_URL, the next one does."
)
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def listing(account: Account, *, own_clickhouse: bool = False) -> str:
    """Return the backups of both halves by time, the newest first, and what is restored next.

    Args:
        account: the account.
        own_clickhouse: whether ClickHouse is the user's own, into which no deploy restores.

    """
    finals, backups = database.snapshots(account), clickhouse.backups(account)
    rows = [*finals, *database.automated(account), *backups]
    if not rows:
        return f"There is no backup of {account.name} in {account.region}."
    running = database.is_running(account)
    choice = clickhouse.chosen(account)
    snapshot = None if running else newest(finals)
    backup = None if own_clickhouse else clickhouse.restored_next(backups, choice)
    now = datetime.now(UTC)
    marks = {id(snapshot): "restored next", id(backup): "restored next"}
    if choice and backup:
        marks[id(backup)] = "restored next: chosen"
    kept = way_back.names(way_back.find(account))
    remarks = {each.name: way_back.REMARK for each in rows if each.name in kept}
    rows.sort(key=lambda each: each.time, reverse=True)
    total = sum(each.usd or 0 for each in rows)
    return "\n".join(
        [
            _line("begun (UTC)", "age", "of", "GB", "USD a month", "name"),
            *(
                _row(each, now, remarks.get(each.name, ""), marks.get(id(each), ""))
                for each in rows
            ),
            f"At most {total:.2f} USD a month, by list prices of {prices.REGION}.",
            *([OF_OWN] if own_clickhouse else []),
            *_notes(running, None if own_clickhouse else choice, snapshot, backup),
        ]
    )


def _notes(
    running: bool,  # noqa: FBT001 - a fact among others
    choice: str | None,
    snapshot: Backup | None,
    backup: Backup | None,
) -> Iterator[str]:
    if running:
        yield (
            "The database is there, and a deploy restores none of its snapshots. A destroy adds a "
            "newer one of each, which the next deploy takes."
        )
    if choice == clickhouse.NONE:
        yield (
            "ClickHouse starts empty on its next new volume, as chosen; to restore the newest "
            "backup: uv run backups.py --choose newest"
        )
    elif choice and not backup:
        yield (
            f"The chosen backup {choice} is missing or incomplete, and ClickHouse would not start: "
            "uv run backups.py --choose newest"
        )
    if snapshot and backup:
        distance = abs(snapshot.time - backup.time)
        if distance > timedelta(hours=FAR_APART_HOURS):
            yield (
                f"{snapshot.name} and {backup.name} are {_age(distance)} apart: projects and "
                "traces of the time between will not match."
            )


def _row(backup: Backup, now: datetime, *marks: str) -> str:
    bound = "<= " if backup.is_bound else ""
    return _line(
        f"{backup.time.astimezone(UTC):%Y-%m-%d %H:%M}",
        _age(now - backup.time),
        backup.kind,
        f"{bound}{backup.gigabytes:.2f}",
        "" if backup.usd is None else f"{bound}{backup.usd:.2f}",
        backup.name,
        ", ".join(filter(None, (backup.remark, *marks))),
    )


def _line(*cells: str) -> str:
    begun, age, kind, size, usd, name, *remark = cells
    text = f"{begun:16}  {age:>6}  {kind:19}  {size:>8}  {usd:>11}  {name:28}  {''.join(remark)}"
    return text.rstrip()


def _age(time: timedelta) -> str:
    seconds = max(0, round(time.total_seconds()))
    if seconds < _HOUR:
        return f"{seconds // _MINUTE} min"
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR} h"
    return f"{seconds // _DAY} d"
