"""The check of metrics and dashboards, for an installation that has them (docs/monitoring.md)."""

from typing import Final
from urllib.parse import quote

from in_cluster.names import (
    GRAFANA,
    METRICS_EXPORTER,
    NAMESPACE,
    VICTORIA_METRICS,
    VICTORIA_METRICS_PORT,
)
from verification.check import Check, Reading
from verification.checks import LOGS
from verification.cluster import CheckError, Cluster

PROGRAMS: Final = (VICTORIA_METRICS, METRICS_EXPORTER, GRAFANA)
# Each source of metrics, and each store that the exporter asks: 1 if it answers.
QUERY: Final = "up or langfuse_store_up"


def monitoring_checks(cluster: Cluster) -> tuple[Check[Cluster], ...]:
    """Return the check; none where the option is off."""
    if not cluster.has("deployment", VICTORIA_METRICS):
        return ()
    pods = f"see uv run kubectl get pods -n {NAMESPACE}"
    return (Check("dashboards", dashboards, f"{pods}, or {LOGS} deployment/{VICTORIA_METRICS}"),)


def dashboards(cluster: Cluster) -> Reading:
    """Check that the pods are ready and that metrics come from everywhere.

    Raises:
        CheckError: a pod is not ready, or VictoriaMetrics does not answer.

    """
    found = cluster.get("deployments", *PROGRAMS)["items"]
    waiting = [
        each["metadata"]["name"] for each in found if not each["status"].get("readyReplicas")
    ]
    if waiting:
        message = f"not ready: {', '.join(waiting)}"
        raise CheckError(message)
    path = f"/api/v1/query?query={quote(QUERY)}"
    series = cluster.http(f"svc/{VICTORIA_METRICS}", VICTORIA_METRICS_PORT, path).json()["data"][
        "result"
    ]
    silent = sorted({_name(each["metric"]) for each in series if float(each["value"][1]) == 0})
    values = {"sources": len(series), "silent": len(silent)}
    if silent:
        text = (
            f"no metrics from {', '.join(silent)}; see docs/monitoring.md#if-something-is-missing"
        )
        return Reading(text, values, "warning")
    return Reading(f"{len(series)} sources answer", values)


def _name(labels: dict[str, str]) -> str:
    """Return what is silent: a store, the kubelet of a node, or a program."""
    place = labels.get("store") or labels["job"]
    return f"{place} of {labels['node']}" if "node" in labels else place
