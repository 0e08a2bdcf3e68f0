"""Prepares Langfuse 3 for Langfuse 4, whose migrations are one way: ``uv run upgrade.py``.

It backs both halves up and marks them as the way back; ``--back`` lets the next deploys restore
them (docs/langfuse-4.md). Reads ``.env`` as verify.py does; ``--back`` needs no cluster.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from backing_up.account import account_of
from backing_up.one_line import one_line
from env_file import load_settings
from upgrading.back import go_back
from upgrading.there import prepare
from verification.access import ENV_FILE, access

AGAIN = {
    False: "Run it again: it makes a new way back.",
    True: "Run it again: it goes on where it was.",
}


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Make the way back before an upgrade, or take it.")
    parser.add_argument(
        "--back",
        action="store_true",
        help="after a destroy: let the next deploy restore Langfuse 3",
    )
    parser.add_argument(
        "--clickhouse-is-backed-up",
        action="store_true",
        help="with CLICKHOUSE_URL: you have made a backup of that ClickHouse",
    )
    parser.add_argument("--kubeconfig", type=Path, help="use this file; the default logs in")
    return parser.parse_args(given)


def run(given: argparse.Namespace) -> None:
    """Do what the options say.

    Raises:
        BackupError: it cannot be done.
        CheckError: the cluster does not answer.
        SettingsError: ``.env`` is missing or has faults.

    """
    settings, account = load_settings(ENV_FILE), account_of(ENV_FILE)
    if given.back:
        go_back(account, say)
        return
    with access(given.kubeconfig) as (cluster, _):
        prepare(cluster, account, settings, say, backed_up=given.clickhouse_is_backed_up)


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Exit with 0 if it was done, with 1 and one line if not."""
    given = arguments()
    with one_line("upgrade.py", again=AGAIN[given.back]):
        run(given)


if __name__ == "__main__":
    main()
