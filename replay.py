"""Lets Langfuse ingest its raw events again: ``uv run replay.py --since 2026-11-25T08:00``.

For events that an outage lost, or those after the backup that ClickHouse was restored from
(docs/operations.md). Reads ``.env`` as verify.py does.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from replaying.restored import read_marker, since
from replaying.steps import replay
from verification.access import awake_access
from verification.cluster import CheckError, Cluster

AGAIN = "Run it again: it goes on where it was."


def iso_time(text: str) -> datetime:
    """Return an ISO 8601 time; without an offset it is UTC.

    Raises:
        argparse.ArgumentTypeError: the text is no ISO time.

    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = "is no ISO time, such as 2026-11-25T08:00"
        raise argparse.ArgumentTypeError(message) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def run(cluster: Cluster, given: argparse.Namespace) -> None:
    """Find since when to replay, say so, and replay.

    Raises:
        CheckError: a step failed, jobs failed, or rows are missing.

    """
    marker = read_marker(cluster)
    default, reason = since(marker)
    begin = (given.since or default).astimezone(UTC).isoformat()
    sys.stdout.write(f"since     {begin}: {'as given' if given.since else reason}\n")
    replay(cluster, since=begin, marker=marker, dry_run=given.dry_run, restart=given.restart)


def main() -> None:
    """Exit with 0 if all events were ingested, with 1 and one line if not."""
    parser = argparse.ArgumentParser(description="Have Langfuse take in its raw events again.")
    parser.add_argument(
        "--since",
        type=iso_time,
        help="an ISO time in UTC; the default is the backup that ClickHouse was restored from",
    )
    parser.add_argument("--dry-run", action="store_true", help="count the events, change nothing")
    parser.add_argument("--restart", action="store_true", help="begin an interrupted replay anew")
    parser.add_argument("--kubeconfig", type=Path, help="use this file; the default logs in")
    given = parser.parse_args()
    try:
        with awake_access(given.kubeconfig) as (cluster, _):
            run(cluster, given)
    except CheckError as error:
        sys.exit(f"The replay stopped: {error}. {AGAIN}")
    except KeyboardInterrupt:
        sys.exit(f"The replay was interrupted. {AGAIN}")
    except Exception as error:  # noqa: BLE001 - the text of an unknown error may hold a secret
        sys.exit(f"The replay stopped: {type(error).__name__}. {AGAIN}")


if __name__ == "__main__":
    main()
