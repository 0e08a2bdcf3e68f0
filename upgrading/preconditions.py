"""What has to hold before Langfuse 4 migrates the data; each failure is a line with the remedy."""

import math
import re
from typing import Final

import versions
from backing_up.account import BackupError
from backing_up.backup import GIGABYTE
from in_cluster.names import CLICKHOUSE, WEB, WEB_PORT
from progress import Progress
from settings import Settings
from verification.cluster import CheckError, Cluster
from verification.migrations import unfinished_migrations
from verification.own_clickhouse import read_server

# LANGFUSE_MAJOR until then.
FROM: Final = 3
# The backfill of Langfuse 4 copies observations into a sorted table and into its own; the old ones
# stay. What Langfuse names is about three times the disk.
DISK_FACTOR: Final = 3
# Share of a volume that its file system leaves for files.
_USABLE: Final = 0.97
_SPACE: Final = """SELECT
  (SELECT sum(total_space) FROM system.disks WHERE name = 'default'),
  (SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'default')
  FORMAT TSV"""


def check(cluster: Cluster, settings: Settings, progress: Progress) -> str:
    """Check everything, and return the version of the Langfuse that runs.

    Raises:
        BackupError: something does not hold.
        CheckError: the cluster does not answer.

    """
    if settings.langfuse_major != FROM:
        message = (
            f"LANGFUSE_MAJOR is {settings.langfuse_major} in .env already; set it to {FROM} until "
            "this has made the way back"
        )
        raise BackupError(message)
    version = running_version(cluster)
    progress.step("langfuse", version)
    progress.step("migrated", migrations(cluster, settings.url))
    if settings.own_clickhouse:
        progress.step("clickhouse", own_clickhouse(cluster))
    else:
        progress.step("disk", disk(cluster))
    return version


def own_clickhouse(cluster: Cluster) -> str:
    """Return the version of a ClickHouse of the user's own, which is recent enough.

    Raises:
        BackupError: Langfuse 4 cannot use it.
        CheckError: the worker's pod cannot be reached, or the server does not answer.

    """
    server = read_server(cluster, FROM + 1)
    if server.faults:
        message = f"ClickHouse {'; it '.join(server.faults)}: change that where it runs first"
        raise BackupError(message)
    return f"{server.version}, your own: its disk needs {DISK_FACTOR} times what its data take"


def running_version(cluster: Cluster) -> str:
    """Return Langfuse's version, which is recent enough.

    Raises:
        BackupError: it is too old, or Langfuse 4 already.
        CheckError: web does not answer.

    """
    path = "/api/public/health"
    version = str(cluster.http(f"svc/{WEB}", WEB_PORT, path).json().get("version"))
    found, oldest = _numbers(version), _numbers(versions.OLDEST_BEFORE_4)
    if found[:1] != oldest[:1]:
        message = f"the Langfuse that runs is {version}: only a Langfuse 3 can be prepared for 4"
        raise BackupError(message)
    if found < oldest:
        message = (
            f"the Langfuse that runs is {version}, and Langfuse 4 wants {versions.OLDEST_BEFORE_4} "
            "or later before it: deploy app with LANGFUSE_MAJOR=3 first"
        )
        raise BackupError(message)
    return version


def migrations(cluster: Cluster, url: str) -> str:
    """Return that the background migrations have finished, or that nobody can tell.

    Raises:
        BackupError: some have not finished.

    """
    page = f"{url.rstrip('/')}/background-migrations"
    try:
        unfinished = unfinished_migrations(cluster)
    except (CheckError, ValueError):
        return f"not known: see in {page} that all background migrations have finished"
    if unfinished:
        message = (
            f"background migrations have not finished: {', '.join(unfinished)}; wait for them, or "
            f"retry those that have failed: {page}"
        )
        raise BackupError(message)
    return "all background migrations have finished"


def disk(cluster: Cluster) -> str:
    """Return how much of ClickHouse's volume its data take.

    Raises:
        BackupError: the volume is too small.
        CheckError: ClickHouse does not answer.

    """
    # The client takes the password from the environment of the container.
    client = ("clickhouse-client", "--user", "default", "--query", _SPACE)
    answer = cluster.kubectl("exec", f"pod/{CLICKHOUSE}-0", "--", *client)
    total, data = (int(each) for each in answer.split())
    if total < DISK_FACTOR * data:
        wanted = math.ceil(DISK_FACTOR * data / _USABLE / GIGABYTE)
        message = (
            f"ClickHouse's volume has {_gigabytes(total)}, and its data of {_gigabytes(data)} need "
            f"{DISK_FACTOR} times as much while Langfuse 4 copies them: set "
            f"CLICKHOUSE_STORAGE_GB={wanted} in .env and deploy app, which grows the volume"
        )
        raise BackupError(message)
    return f"{_gigabytes(data)} of data on {_gigabytes(total)}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:3])


def _gigabytes(size: int) -> str:
    return f"{size / GIGABYTE:.1f} GB"
