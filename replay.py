"""Lets Langfuse ingest its raw events again: ``uv run replay.py --since 2026-11-25T08:00``.

For events that an outage lost, or for an empty ClickHouse after a rebuild (docs/operations.md).
Reads ``.env`` as verify.py does.
"""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from replaying.steps import replay
from verification.cluster import CheckError
from verify import access

BEGINNING: Final = datetime.fromtimestamp(0, tz=UTC)


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


def main() -> None:
    """Exit with 0 if all events were ingested, with 1 and one line if not."""
    parser = argparse.ArgumentParser(description="Have Langfuse take in its raw events again.")
    parser.add_argument("--since", type=iso_time, default=BEGINNING, help="an ISO time in UTC")
    parser.add_argument("--dry-run", action="store_true", help="count the events, change nothing")
    parser.add_argument("--kubeconfig", type=Path, help="use this file; the default logs in")
    given = parser.parse_args()
    try:
        with access(given.kubeconfig) as (cluster, _):
            replay(cluster, given.since, dry_run=given.dry_run)
    except CheckError as error:
        sys.exit(f"The replay stopped: {error}. It can be run again as it was.")
    except KeyboardInterrupt:
        sys.exit("The replay was interrupted. It can be run again as it was.")
    except Exception as error:  # noqa: BLE001 - the text of an unknown error may hold a secret
        sys.exit(f"The replay stopped: {type(error).__name__}. It can be run again as it was.")


if __name__ == "__main__":
    main()
