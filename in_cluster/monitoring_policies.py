"""NetworkPolicies of the release with metrics; what they admit adds to those of Langfuse's release.

Nothing is admitted to Grafana: a port-forward enters the network namespace of its pod.
"""

from typing import Any, Final

from in_cluster.names import (
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    CLICKHOUSE_METRICS_PORT,
    CLICKHOUSE_PROGRAM,
    GRAFANA,
    METRICS_EXPORTER,
    METRICS_EXPORTER_PORT,
    NAME_LABEL,
    REDIS,
    REDIS_PORT,
    REDIS_PROGRAM,
    VICTORIA_METRICS,
    VICTORIA_METRICS_PORT,
)
from in_cluster.network_policies import DNS, admit, in_release, policy, tcp
from own_clickhouse import OwnClickhouse

# Port of the kubelets, on the addresses of the nodes, and of the Kubernetes API.
_KUBELET: Final = 10250
_HTTPS: Final = 443


def monitoring_policies(*, redis: bool, own: OwnClickhouse | None) -> dict[str, dict[str, Any]]:
    """Return the policies, each by a key.

    Args:
        redis: whether Redis is in the cluster.
        own: ClickHouse of the user's own; None for the one in the cluster.

    """
    exporter, metrics, grafana = (
        _pods(each) for each in (METRICS_EXPORTER, VICTORIA_METRICS, GRAFANA)
    )
    stores: list[dict[str, Any]] = []
    policies = {}
    if own is None:
        clickhouse = in_release(NAME_LABEL, CLICKHOUSE_PROGRAM)
        stores.append(_to(clickhouse, CLICKHOUSE_HTTP_PORT))
        policies["clickhouseMetricsPolicy"] = policy(
            f"{CLICKHOUSE}-metrics",
            clickhouse,
            [admit([metrics], CLICKHOUSE_METRICS_PORT), admit([exporter], CLICKHOUSE_HTTP_PORT)],
        )
    else:
        stores.append({"ports": tcp(own.http_port)})
    if redis:
        pods = in_release(NAME_LABEL, REDIS_PROGRAM)
        stores.append(_to(pods, REDIS_PORT))
        policies["redisMetricsPolicy"] = policy(
            f"{REDIS}-metrics", pods, [admit([exporter], REDIS_PORT)]
        )
    else:
        stores.append({"ports": tcp(REDIS_PORT)})
    scraped = [
        _to(exporter, METRICS_EXPORTER_PORT),
        {"ports": tcp(_KUBELET, _HTTPS)},
        *(
            []
            if own
            else [_to(in_release(NAME_LABEL, CLICKHOUSE_PROGRAM), CLICKHOUSE_METRICS_PORT)]
        ),
    ]
    return policies | {
        "exporterNetworkPolicy": policy(
            METRICS_EXPORTER,
            exporter,
            [admit([metrics], METRICS_EXPORTER_PORT)],
            egress=[DNS, *stores],
        ),
        "metricsNetworkPolicy": policy(
            VICTORIA_METRICS,
            metrics,
            [admit([grafana], VICTORIA_METRICS_PORT)],
            egress=[DNS, *scraped],
        ),
        "grafanaNetworkPolicy": policy(
            GRAFANA, grafana, [], egress=[DNS, _to(metrics, VICTORIA_METRICS_PORT)]
        ),
    }


def _pods(name: str) -> dict[str, Any]:
    return {"matchLabels": {NAME_LABEL: name}}


def _to(pods: dict[str, Any], port: int) -> dict[str, Any]:
    return {"to": [{"podSelector": pods}], "ports": tcp(port)}
