"""The checks of verify.py: each function checks one part and returns a short result.

A new check is a function and a line in ``CHECKS``. The function raises ``CheckError`` if its part
does not work.
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import versions
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
from security_patches import today
from verification import own_clickhouse
from verification.check import Check, CheckWarning, Reading, Values
from verification.cluster import CheckError, Cluster
from verification.migrations import backfill
from verification.redis import connect, is_managed
from verification.rejected_events import rejected_events

WORKLOADS: Final = (f"deployment/{WEB}", f"deployment/{WORKER}")
# Days before the end of security patches and of Kubernetes' standard support from which that is a
# warning: two months, to try the next version first.
ENOUGH_DAYS: Final = 60
S3_PROBE: Final = Path(__file__).with_name("s3_probe.js")


def nodes(cluster: Cluster) -> str:
    """Check that all nodes are Ready and have disk and memory left, and return their number."""
    found = cluster.get("nodes")["items"]
    conditions = {node["metadata"]["name"]: _conditions(node) for node in found}
    waiting = [name for name, true in conditions.items() if "Ready" not in true]
    if waiting or not found:
        message = f"not Ready: {', '.join(waiting) or 'there is none'}"
        raise CheckError(message)
    # DiskPressure below 10 % free (15 % of images' disk), MemoryPressure below 100 MiB: defaults of
    # the kubelet, which then evicts pods.
    full = [
        f"{name} {each}" for name, true in conditions.items() for each in sorted(true - {"Ready"})
    ]
    if full:
        message = f"filling up: {', '.join(full)}"
        raise CheckError(message)
    return f"{len(found)} Ready"


def _conditions(node: dict[str, Any]) -> set[str]:
    """Return the conditions of a node that are true."""
    return {each["type"] for each in node["status"]["conditions"] if each["status"] == "True"}


def pods(cluster: Cluster) -> str:
    """Check that all pods are ready, and return their number."""
    stores = {
        f"statefulset/{CLICKHOUSE}": cluster.own_clickhouse is None,
        f"statefulset/{REDIS}": not is_managed(cluster),
    }
    there = [*WORKLOADS, *(name for name, is_there in stores.items() if is_there)]
    found = cluster.get(*there)["items"]
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
    """Check that web reaches PostgreSQL, and return the version."""
    return f"Langfuse {_version(cluster)}"


def _version(cluster: Cluster) -> str:
    path = "/api/public/health?failIfDatabaseUnavailable=true"
    return str(cluster.http(f"svc/{WEB}", WEB_PORT, path).json()["version"])


def patches(version: str, _: Cluster) -> str | Reading:
    """Return for how long the major version of Langfuse gets security patches.

    Raises:
        CheckWarning: not known.

    """
    major = version.partition(".")[0]
    end = versions.END_OF_PATCHES.get(major)
    if not major:
        message = "not known: web does not tell its version"
        raise CheckWarning(message)
    if end is None:
        return f"no end is announced for Langfuse {major}"
    days = (end - today()).days
    values: Values = {"major": major, "until": end.isoformat(), "days": days}
    if days > ENOUGH_DAYS:
        return Reading(f"Langfuse {major} until {end}, {days} days", values)
    left = f"until {end}, {days} days" if days >= 0 else f"none since {end}"
    text = f"Langfuse {major} {left}; upgrade it: {GUIDE_TO_V4}#from-3-to-4"
    return Reading(text, values, "warning")


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


def clickhouse(cluster: Cluster) -> str | Reading:
    """Ping ClickHouse; of the user's own, check its version and time zone."""
    if own := cluster.own_clickhouse:
        return own_clickhouse.judge(cluster, own)
    return cluster.http(f"svc/{CLICKHOUSE}", CLICKHOUSE_HTTP_PORT, "/ping").text.strip()


def redis(cluster: Cluster) -> str:
    """Ping Redis, with its password."""
    with connect(cluster) as connection:
        return str(connection.run(("PING",))[0])


def restored(cluster: Cluster) -> str:
    """Return what ClickHouse restored when its volume was new, as it has written it down."""
    if cluster.own_clickhouse:
        return "nothing: ClickHouse is your own"
    text = cluster.kubectl("exec", f"{CLICKHOUSE}-0", "--", "cat", RESTORED)
    return text.partition("\n")[0]


def backups(cluster: Cluster) -> str:
    """Check that the last scheduled backup succeeded, and return when one did."""
    if cluster.own_clickhouse:
        return "ClickHouse is your own: they are made where it runs"
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
    Check("redis", redis, f"{LOGS} {REDIS}-0, or docs/elasticache.md#if-redis-does-not-answer"),
    Check("s3", s3, f"deploy deps, then uv run kubectl rollout restart -n {NAMESPACE} deployment"),
)
CHECKS_OF_V4: Final = (
    Check("backfill", backfill, f"see {GUIDE_TO_V4}#while-it-runs"),
    Check("sdk traffic", rejected_events, f"see {GUIDE_TO_V4}#what-changes-for-sdks-and-api-users"),
)


def checks_of_major(cluster: Cluster) -> tuple[Check[Cluster], ...]:
    """Return the further checks of the major version that web says it is."""
    try:
        version = _version(cluster)
    except Exception:  # noqa: BLE001 - the check of web reports it
        version = ""
    of_v4 = CHECKS_OF_V4 if version and not version.startswith("3.") else ()
    return (Check("patches", partial(patches, version)), *of_v4)
