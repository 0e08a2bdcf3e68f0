"""Wakes an installation now, outside of its AWAKE_HOURS: ``uv run awake.py``.

``--sleep`` puts it to sleep before their end. Reads ``.env`` as verify.py does, and needs the AWS
CLI (docs/awake-hours.md).
"""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from awake_types import AwakeHours
from backing_up.one_line import one_line
from env_file import environment, load_settings
from in_cluster.names import NAMESPACE
from verification.access import ENV_FILE
from verification.cluster import CheckError

# The same as a deploy and a destroy wake by.
SCRIPT: Final = Path(__file__).parent / "constructs_lib" / "awake.sh"


def run(*, sleep: bool) -> None:
    """Wake it, or put it to sleep, and say until when.

    Raises:
        CheckError: AWS refuses, or the AWS CLI is missing.
        SettingsError: ``.env`` is missing or has faults.

    """
    settings = load_settings(ENV_FILE)
    if sleep and settings.awake_hours is None:
        message = (
            "AWAKE_HOURS is not set, so nothing would wake it again; set it and deploy network and "
            "deps first"
        )
        raise CheckError(message)
    about = {
        "ACTION": "sleep" if sleep else "wake",
        "NAME": settings.name,
        "REGION": settings.aws_default_region,
        "NAMESPACE": NAMESPACE,
        "WITHOUT_CLUSTER": "1",
    }
    done = subprocess.run(
        ["/bin/sh", str(SCRIPT)],
        env={**environment(ENV_FILE), **about},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        message = (done.stderr.strip().splitlines() or ["the AWS CLI failed"])[-1].rstrip(".")
        raise CheckError(message)
    sys.stdout.write(f"{_until(settings.awake_hours, sleep=sleep)}\n")


def _until(hours: AwakeHours | None, *, sleep: bool) -> str:
    if hours is None:
        return "Awake, and without AWAKE_HOURS it stays so."
    now = datetime.now(UTC)
    if sleep:
        return f"Asleep until {hours.text(hours.next_begin(now))}."
    return f"Awake until {hours.text(hours.next_end(now))}."


def main() -> None:
    """Exit with 0 if it was done, with 1 and one line if not."""
    parser = argparse.ArgumentParser(description="Wake an installation that sleeps.")
    parser.add_argument("--sleep", action="store_true", help="put it to sleep instead")
    given = parser.parse_args()
    with one_line("awake.py", again="Run it again: it goes on where it was."):
        run(sleep=given.sleep)


if __name__ == "__main__":
    main()
