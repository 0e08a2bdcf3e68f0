"""Lists, makes, chooses and deletes backups: ``uv run backups.py``.

Without an option it lists snapshots of the database and backups of ClickHouse by time, and which
of them the next deploy restores (docs/operations.md). Reads ``.env`` as verify.py does; only
``--now`` needs the cluster.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from backing_up import clickhouse, prune, purge
from backing_up.account import Account, BackupError, account_of
from backing_up.job import back_up_now
from backing_up.listing import listing
from backing_up.one_line import one_line
from env_file import load_settings
from progress import Progress
from verification.access import ENV_FILE, access


def count(text: str) -> int:
    """Return how many backups are kept.

    Raises:
        argparse.ArgumentTypeError: it is no number, or too small.

    """
    if not text.isdecimal() or int(text) < clickhouse.FEWEST_KEPT:
        message = f"is no whole number of {clickhouse.FEWEST_KEPT} or more"
        raise argparse.ArgumentTypeError(message)
    return int(text)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="List backups; with an option, change them.")
    one = parser.add_mutually_exclusive_group()
    one.add_argument("--now", action="store_true", help="back ClickHouse up now")
    one.add_argument(
        "--choose", metavar="TIME", help="let the next restore take this backup, newest or none"
    )
    one.add_argument(
        "--prune", metavar="N", type=count, help="keep the newest N of database and ClickHouse each"
    )
    one.add_argument(
        "--purge", metavar="NAME", help="delete for good what a destroy of installation NAME keeps"
    )
    parser.add_argument("--yes", action="store_true", help="prune without asking")
    parser.add_argument("--kubeconfig", type=Path, help="for --now; the default logs in")
    return parser.parse_args(given)


def run(given: argparse.Namespace) -> None:
    """Do what the options say.

    Raises:
        BackupError: it cannot be done.
        CheckError: kubectl failed.
        SettingsError: ``.env`` is missing or has faults.

    """
    if given.now:
        with access(given.kubeconfig) as (cluster, _):
            back_up_now(cluster, say)
        return
    account = account_of(ENV_FILE)
    if given.choose:
        say(clickhouse.choose(account, given.choose))
    elif given.prune:
        prune_to(account, given.prune, ask=not given.yes)
    elif given.purge is not None:
        purge_all(account, given.purge)
    else:
        own = load_settings(ENV_FILE).own_clickhouse
        say(listing(account, own_clickhouse=own is not None))


def prune_to(account: Account, kept: int, *, ask: bool) -> None:
    """Delete older backups, after a confirmation.

    Raises:
        BackupError: it was not confirmed, or S3 does not delete an object.

    """
    found = prune.superfluous(account, kept)
    if not found:
        say("There is nothing to delete.")
        return
    for each in found:
        say(f"{each.kind:12} {each.name} of {each.time:%Y-%m-%d %H:%M}")
    if ask and answer("Delete these for good? yes/no ") != "yes":
        message = "not confirmed with yes; nothing was deleted"
        raise BackupError(message)
    with Progress() as progress:
        for each in found:
            progress.under_way("deleting", each.name)
            prune.delete(account, each)
            progress.step("deleted", each.name)


def purge_all(account: Account, name: str) -> None:
    """Delete everything that a destroy retains, after its name was typed.

    Raises:
        BackupError: it is another installation, still deployed, or was not confirmed.

    """
    if name != account.name:
        message = f"the installation of .env is {account.name}, not {name}; nothing was deleted"
        raise BackupError(message)
    if there := purge.deployed(account):
        message = (
            f"{', '.join(there)}: still there; destroy app, deps and network first. Nothing was "
            "deleted"
        )
        raise BackupError(message)
    with Progress() as progress:

        def deleted(versions: int) -> None:
            progress.under_way("deleting", f"{versions:,} versions of objects")

        parts = purge.retained(account, deleted)
        if not parts:
            say(f"Nothing of {name} is left in {account.region}.")
            return
        for part in parts:
            say(part.what)
        question = f"All data of {name} will be lost. Type its name to delete all of this: "
        if answer(question) != name:
            message = "the name was not typed; nothing was deleted"
            raise BackupError(message)
        for part in parts:
            progress.under_way("deleting", part.what)
            part.delete()
            progress.step("deleted", part.what)


def answer(question: str) -> str:
    """Return what is typed; nothing if there is nobody."""
    try:
        return input(question).strip()
    except EOFError:
        return ""


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Exit with 0 if it was done, with 1 and one line if not."""
    given = arguments()
    again = "Run it again: it goes on where it was." if given.purge or given.prune else ""
    with one_line("backups.py", again=again):
        run(given)


if __name__ == "__main__":
    main()
