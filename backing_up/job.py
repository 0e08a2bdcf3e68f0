"""A backup of ClickHouse now: the scheduled Job, out of turn."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from backing_up.account import BackupError
from in_cluster.names import BACKUP
from verification.cluster import CheckError, Cluster

# Seconds between two looks at the Job, and that Kubernetes may be late in ending it.
POLL_INTERVAL: Final = 2.0
GRACE: Final = 120


def back_up_now(cluster: Cluster, say: Callable[[str], object]) -> None:
    """Make a backup, pass on each line of its log, and return when it is complete.

    Raises:
        BackupError: ClickHouse is the user's own, there is no CronJob, a backup is running, or it
            failed.
        CheckError: kubectl failed.

    """
    if cluster.own_clickhouse:
        message = "ClickHouse is your own: make its backup where it runs (docs/own-clickhouse.md)"
        raise BackupError(message)
    cron = cluster.find("cronjobs", BACKUP)
    if cron is None:
        message = (
            "there is no CronJob to make one: CLICKHOUSE_BACKUP_SCHEDULE is none, or app is not "
            "deployed; set a schedule in .env and deploy app. A destroy of app makes one anyway"
        )
        raise BackupError(message)
    if active := cron["status"].get("active"):
        job = active[0]["name"]
        message = f"one is running: uv run kubectl logs -n langfuse --follow job/{job}"
        raise BackupError(message)
    name = f"{BACKUP}-{datetime.now(UTC):%Y%m%dt%H%M%Sz}"
    cluster.kubectl("create", "job", name, f"--from=cronjob/{BACKUP}")
    _follow(cluster, f"job/{name}", say)


def _follow(cluster: Cluster, job: str, say: Callable[[str], object]) -> None:
    """Wait until the Job has ended, and raise if it failed."""
    log: list[str] = []
    limit = cluster.get(job)["spec"]["activeDeadlineSeconds"] + GRACE
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        # Before the log: its last line is there once the Job has ended.
        outcome = _outcome(cluster.get(job))
        lines = _log(cluster, job)
        # A second try is a new pod with a log of its own.
        fresh = lines[len(log) :] if lines[: len(log)] == log else lines
        log = lines or log
        for line in fresh:
            say(line)
        if outcome == "Complete":
            return
        if outcome == "Failed":
            message = f"its Job failed: {log[-1] if log else 'no pod of it ran'}"
            raise BackupError(message)
        time.sleep(POLL_INTERVAL)
    message = f"no end in {limit} s; see uv run kubectl describe -n langfuse {job}"
    raise BackupError(message)


def _outcome(job: dict[str, Any]) -> str | None:
    """Return ``Complete`` or ``Failed``, or None while it runs."""
    for each in job["status"].get("conditions", ()):
        if each["type"] in {"Complete", "Failed"} and each["status"] == "True":
            return str(each["type"])
    return None


def _log(cluster: Cluster, job: str) -> list[str]:
    try:
        return cluster.kubectl("logs", job).splitlines()
    except CheckError:
        # Its pod is not running yet, or was deleted with the Job's failure.
        return []
