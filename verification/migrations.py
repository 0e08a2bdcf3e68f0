"""Langfuse's background migrations: the worker runs them one by one, beside its other work.

Some of them are v4's historic backfill, which copies v3's traces and observations into v4's tables.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from in_cluster.names import WORKER
from in_cluster.worker_modules import with_loader
from verification.cluster import CheckError, Cluster

SCRIPT: Final = Path(__file__).with_name("migrations.js")
# Of the image, in its working directory: composes DATABASE_URL, and runs the command.
ENTRYPOINT: Final = "./worker/entrypoint.sh"

# In the names of the backfill's steps.
STEP: Final = "_v4_step_"
# Of those, the one that drops a scratch table; it stays dormant unless it is switched on.
DROP: Final = "_drop_"


@dataclass(frozen=True)
class Migration:
    """A background migration, as ``migrations.js`` prints it."""

    name: str
    status: Literal["dormant", "waiting", "running", "stalled", "failed", "finished"]
    """Dormant: switched off. Waiting: no worker began it. Stalled: its worker stopped."""
    progress: str
    """Such as ``12 of 40 chunks``; empty if its state has no numbers."""
    reason: str
    """Reason of a failure, without data."""


def read_migrations(cluster: Cluster) -> list[Migration]:
    """Return all background migrations, in the order in which the worker runs them.

    Raises:
        CheckError: the worker's pod or the database does not answer.

    """
    command = (ENTRYPOINT, "node", "-e", with_loader(SCRIPT))
    found = cluster.kubectl("exec", f"deployment/{WORKER}", "--", *command)
    return [Migration(**each) for each in json.loads(found)]


def unfinished_migrations(cluster: Cluster) -> list[str]:
    """Return the names of the migrations that did not finish, except those that are switched off.

    Raises:
        CheckError: the worker's pod or the database does not answer.

    """
    return [each.name for each in _unfinished(read_migrations(cluster))]


def backfill(cluster: Cluster) -> str:
    """Check that no migration failed or stalled, and return how far they are."""
    migrations = read_migrations(cluster)
    for each in migrations:
        if each.status == "failed":
            message = f"{each.name} failed: {each.reason}"
            raise CheckError(message)
    unfinished = _unfinished(migrations)
    if unfinished:
        return _progress(unfinished[0], migrations)
    off = [each for each in _steps(migrations) if each.status == "dormant"]
    return f"switched off, {len(off)} steps are left" if off else "done"


def _progress(current: Migration, migrations: list[Migration]) -> str:
    steps = _steps(migrations)
    name = current.name
    if current in steps:
        name = f"step {steps.index(current) + 1} of {len(steps)}"
    if current.status == "stalled":
        message = f"{name} has stopped, no worker runs it"
        raise CheckError(message)
    if current.status == "waiting":
        return f"{name} begins when the worker restarts"
    return f"{name}, {current.progress}" if current.progress else name


def _unfinished(migrations: list[Migration]) -> list[Migration]:
    return [each for each in migrations if each.status not in {"dormant", "finished"}]


def _steps(migrations: list[Migration]) -> list[Migration]:
    return [each for each in migrations if STEP in each.name and DROP not in each.name]
