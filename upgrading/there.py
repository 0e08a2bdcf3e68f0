"""The way from Langfuse 3 to 4: checks, a backup of each half, and the mark."""

from collections.abc import Callable
from datetime import UTC, datetime

from backing_up import clickhouse, database, way_back
from backing_up.account import Account, BackupError
from backing_up.job import back_up_now
from backing_up.way_back import WayBack
from progress import Progress
from retained.names import WAY_BACK_HOURS
from settings import Settings
from upgrading.preconditions import check
from verification.cluster import Cluster

NEXT = f"""
Within {WAY_BACK_HOURS} hours set LANGFUSE_MAJOR=4 in .env, and

  uv run npx cdktf deploy app

The way back, until you delete the mark: docs/langfuse-4.md"""


def prepare(
    cluster: Cluster,
    account: Account,
    settings: Settings,
    say: Callable[[str], object],
    *,
    backed_up: bool = False,
) -> None:
    """Check what Langfuse 4 needs, back both halves up, and mark the two as the way back.

    Another run makes a new pair and moves the mark.

    Args:
        cluster: the cluster.
        account: the account.
        settings: the configuration.
        say: takes each line of a backup's log.
        backed_up: whether the user says that a ClickHouse of their own is backed up.

    Raises:
        BackupError: a precondition does not hold, or a backup fails.
        CheckError: the cluster does not answer.

    """
    with Progress() as progress:
        version = check(cluster, settings, progress)
        begun = datetime.now(UTC)
        made = (
            _made_by_user(backed_up=backed_up)
            if settings.own_clickhouse
            else _made_now(cluster, account, say)
        )
        progress.step("clickhouse", made or "is empty: going back will restore nothing")
        snapshot = database.final_name(account, f"way-back-{begun:%Y%m%dt%H%M%Sz}")
        database.make_snapshot(account, snapshot)
        database.wait_for(account, snapshot, progress)
        marked = WayBack(backup=made, snapshot=snapshot, version=version, time=begun)
        way_back.mark(account, marked)
        progress.step("marked", way_back.REMARK)
    say(NEXT)


def _made_now(cluster: Cluster, account: Account, say: Callable[[str], object]) -> str | None:
    before = _complete(account)
    back_up_now(cluster, say)
    return max(_complete(account) - before, default=None)


def _made_by_user(*, backed_up: bool) -> str:
    if not backed_up:
        message = (
            "ClickHouse is your own, and its backup is half of the way back: make it where it "
            "runs, then run this again with --clickhouse-is-backed-up"
        )
        raise BackupError(message)
    return way_back.OWN


def _complete(account: Account) -> set[str]:
    return {each.name for each in clickhouse.backups(account) if each.is_complete}
