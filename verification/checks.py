"""The checks of verify.py: each function checks one part and returns a short result.

A new check is a function and a line in ``CHECKS``. The function raises ``CheckError`` if its part
does not work.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from in_cluster.names import (
    BACKUP,
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    NAMESPACE,
    REDIS,
    RESTORED,
    WEB,
    WEB_PORT,
    WORKER,
    WORKER_PORT,
)
from in_cluster.worker_modules import with_loader
from retained.names import FAR_APART_HOURS
from security_patches import patches
from verification.cluster import CheckError, Cluster
from verification.migrations import backfill
from verification.redis import run_commands
from verification.rejected_events import rejected_events

WORKLOADS: Final = (
    f"deployment/{WEB}",
    f"deployment/{WORKER}",
    f"statefulset/{CLICKHOUSE}",
    f"statefulset/{REDIS}",
)
S3_PROBE: Final = Path(__file__).with_name("s3_probe.js")


def nodes(cluster: Cluster) -> str:
    """Check that all nodes are Ready, and return their number."""
    found = cluster.get("nodes")["items"]
    waiting = [node["metadata"]["name"] for node in found if not _is_ready(node)]
    if waiting or not found:
        message = f"not Ready: {', '.join(waiting) or 'there is none'}"
        raise CheckError(message)
    return f"{len(found)} Ready"


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = {each["type"]: each["status"] for each in node["status"]["conditions"]}
    return conditions.get("Ready") == "True"


def pods(cluster: Cluster) -> str:
    """Check that all pods are ready, and return their number."""
    found = cluster.get(*WORKLOADS)["items"]
    waiting = [
        each["metadata"]["name"]
        for each in found
        if each["status"].get("readyReplicas", 0) < max(1, each["spec"]["replicas"])
    ]
    if waiting:
        message = f"not ready: {', '.join(waiting)}"
        raise CheckError(message)
    return f"{sum(each['spec']['replicas'] for each in found)} ready"


def web_health(cluster: Cluster) -> str:
    """Check that web reaches PostgreSQL, and return the version, and when its patches end."""
    version = _version(cluster)
    end = patches(version.partition(".")[0])
    return f"Langfuse {version}; {end}" if end else f"Langfuse {version}"


def _version(cluster: Cluster) -> str:
    path = "/api/public/health?failIfDatabaseUnavailable=true"
    return str(cluster.http(f"svc/{WEB}", WEB_PORT, path).json()["version"])


def web_ready(cluster: Cluster) -> str:
    """Check that web accepts requests."""
    cluster.http(f"svc/{WEB}", WEB_PORT, "/api/public/ready")
    return "takes requests"


def worker(cluster: Cluster) -> str:
    """Check that the worker reaches PostgreSQL and Redis, and as of v4 that it takes jobs."""
    # v3 ignores the parameter.
    path = "/api/health?failIfQueueConsumptionStuck=true"
    cluster.http(f"deployment/{WORKER}", WORKER_PORT, path)
    return "healthy"


def clickhouse(cluster: Cluster) -> str:
    """Ping ClickHouse."""
    return cluster.http(f"svc/{CLICKHOUSE}", CLICKHOUSE_HTTP_PORT, "/ping").text.strip()


def redis(cluster: Cluster) -> str:
    """Ping Redis, with its password."""
    return run_commands(cluster, "PING")[0].removeprefix("+")


def restored(cluster: Cluster) -> str:
    """Return what ClickHouse restored when its volume was new, as it has written it down."""
    text = cluster.kubectl("exec", f"{CLICKHOUSE}-0", "--", "cat", RESTORED)
    return text.partition("\n")[0]


def backups(cluster: Cluster) -> str:
    """Check that the last scheduled backup succeeded, and return when one did."""
    cron = cluster.find("cronjobs", BACKUP)
    if cron is None:
        return "not scheduled; a destroy makes one"
    status = cron["status"]
    begun, succeeded = (status.get(f"last{name}Time") for name in ("Schedule", "Successful"))
    running = bool(status.get("active"))
    # Times of Kubernetes sort as text.
    if begun and not running and begun > (succeeded or ""):
        message = f"the one of {begun} failed, the last success is {succeeded or 'none'}"
        raise CheckError(message)
    since = succeeded or cron["metadata"]["creationTimestamp"]
    age = datetime.now(UTC) - datetime.fromisoformat(since)
    # Of other schedules, this does not know when the next one is due.
    if cron["spec"]["schedule"].split()[2:] == ["*"] * 3 and age > timedelta(hours=FAR_APART_HOURS):
        message = f"overdue, the last success is {succeeded or 'none'}"
        raise CheckError(message)
    return "running" if running else f"last success {succeeded or 'not yet'}"


def s3(cluster: Cluster) -> str:
    """Write, read and delete an object in the bucket, in the worker's pod with its IAM role."""
    script = with_loader(S3_PROBE)
    return cluster.kubectl("exec", f"deployment/{WORKER}", "--", "node", "-e", script).strip()


@dataclass(frozen=True)
class Check:
    """A part of the installation and its check."""

    part: str
    run: Callable[[Cluster], str]
    """Returns a short result; raises ``CheckError`` if the part does not work."""
    remedy: str
    """Next step for the user if the check fails."""

    def line(self, cluster: Cluster) -> tuple[bool, str]:
        """Return whether the check passed, and the line to print."""
        try:
            found = self.run(cluster)
        except CheckError as error:
            return False, f"{self.part:12} {error}; {self.remedy}"
        except Exception as error:  # noqa: BLE001 - the other checks must still run
            return False, f"{self.part:12} unreadable ({type(error).__name__}); {self.remedy}"
        return True, f"{self.part:12} ok   {found}"


GUIDE_TO_V4: Final = "docs/langfuse-4.md"
LOGS: Final = f"see uv run kubectl logs -n {NAMESPACE}"
CHECKS: Final = (
    Check("nodes", nodes, "see uv run kubectl describe nodes"),
    Check("pods", pods, f"see uv run kubectl get events -n {NAMESPACE} --sort-by=.lastTimestamp"),
    Check("web", web_health, f"{LOGS} deployment/{WEB}: is the database there?"),
    Check("web ready", web_ready, f"{LOGS} deployment/{WEB}: is it migrating?"),
    Check("worker", worker, f"{LOGS} deployment/{WORKER}"),
    Check("clickhouse", clickhouse, f"{LOGS} {CLICKHOUSE}-0"),
    Check("restored", restored, f"{LOGS} {CLICKHOUSE}-0"),
    Check("backups", backups, f"see uv run kubectl get cronjobs,jobs,pods -n {NAMESPACE}"),
    Check("redis", redis, f"{LOGS} {REDIS}-0"),
    Check("s3", s3, f"deploy deps, then uv run kubectl rollout restart -n {NAMESPACE} deployment"),
)
CHECKS_OF_V4: Final = (
    Check("backfill", backfill, f"see {GUIDE_TO_V4}#while-it-runs"),
    Check("sdk traffic", rejected_events, f"see {GUIDE_TO_V4}#what-changes-for-sdks-and-api-users"),
)


def checks_of_major(cluster: Cluster) -> tuple[Check, ...]:
    """Return the further checks of the major version that web says it is."""
    try:
        version = _version(cluster)
    except Exception:  # noqa: BLE001 - the check of web reports it
        return ()
    return () if version.startswith("3.") else CHECKS_OF_V4
