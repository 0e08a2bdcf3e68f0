"""The way back from Langfuse 4 to 3: what the next deploy restores."""

from collections.abc import Callable
from datetime import UTC, datetime

from backing_up import clickhouse, database, way_back
from backing_up.account import Account, BackupError
from in_cluster.names import LANGFUSE_OBJECT
from progress import Progress

NEXT = """
Set LANGFUSE_MAJOR=3 in .env, and

  uv run npx cdktf deploy deps
  uv run npx cdktf deploy app
  uv run replay.py

The replay brings back traces and scores since {time:%Y-%m-%d %H:%M} UTC of which the bucket has
events. What has changed since in the database does not come back: prompts, datasets, users."""

OF_OWN = (
    "is your own: before you deploy app, empty its database and restore there the backup that you "
    "had made by {time:%Y-%m-%d %H:%M} UTC"
)


def go_back(account: Account, say: Callable[[str], object]) -> None:
    """Let the next deploys restore the way back: of the database by a copy, which is the newest.

    Another run repeats only what is not done.

    Raises:
        BackupError: there is no way back, or the database is still there.

    """
    found = way_back.find(account)
    if found is None:
        message = "there is no way back: uv run upgrade.py, before the upgrade, would have made it"
        raise BackupError(message)
    if database.is_running(account):
        message = (
            f"the database {account.name} is still there, with data of Langfuse 4; destroy first, "
            "which backs it up: uv run npx cdktf destroy app, then uv run npx cdktf destroy deps"
        )
        raise BackupError(message)
    is_own = found.backup == way_back.OWN
    if found.backup and not is_own:
        clickhouse.require(account, found.backup)
    with Progress() as progress:
        copy = _newest_copy(account, found.snapshot)
        database.wait_for(account, copy, progress)
        # A deploy of Langfuse 3 is refused until the last of these.
        if is_own:
            progress.step("clickhouse", OF_OWN.format(time=found.time))
        else:
            progress.step("chosen", clickhouse.choose(account, found.backup or clickhouse.NONE))
        clickhouse.write(account, LANGFUSE_OBJECT, found.version)
        progress.step("version", f"the next deploy finds data of Langfuse {found.version}")
    say(NEXT.format(time=found.time))


def _newest_copy(account: Account, snapshot: str) -> str:
    """Return the copy of a snapshot that is the newest of all; make it unless there is one."""
    found = database.snapshots(account)
    whole = [each for each in found if not each.remark.startswith("failed")]
    last = max(whole, key=lambda each: each.time, default=None)
    if last and last.name.startswith(f"{snapshot}-"):
        return last.name
    if snapshot not in {each.name for each in found}:
        message = (
            f"the snapshot {snapshot} is not there any more; uv run backups.py lists the others"
        )
        raise BackupError(message)
    copy = f"{snapshot}-{datetime.now(UTC):%Y%m%dt%H%M%Sz}"
    database.copy_snapshot(account, snapshot, copy)
    return copy
