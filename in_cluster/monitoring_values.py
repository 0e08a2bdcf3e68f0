"""Values of the release with metrics and dashboards (docs/adr/0036-dashboards.md)."""

import json
from pathlib import Path
from typing import Any, Final

import images
from contracts import RedisOutputs
from in_cluster.dashboards.costs import costs
from in_cluster.dashboards.filling import filling
from in_cluster.dashboards.grafana import SOURCE, Dashboard
from in_cluster.dashboards.keeping_up import keeping_up
from in_cluster.helm_chart import as_yaml
from in_cluster.monitoring_pods import grafana, metrics_exporter, victoria_metrics
from in_cluster.monitoring_policies import monitoring_policies
from in_cluster.names import (
    DASHBOARDS,
    GRAFANA,
    METRICS_EXPORTER,
    NAMESPACE,
    VICTORIA_METRICS,
    VICTORIA_METRICS_PORT,
)
from in_cluster.scrape_configuration import scrape_configuration
from in_cluster.volume_claim import volume_claim
from in_cluster.worker_job import manifest, read_files, scripts
from in_cluster.worker_modules import LOADER
from pricing.monthly import MonthlyPrices, monthly_prices
from settings import Settings

SCRIPT: Final = Path(__file__).with_name("metrics_exporter.js")
# GiB for 30 days of metrics: 5,000 series of noise, every 30 seconds, took 3 bytes a sample, which
# makes 1.3 GB.
STORAGE_GB: Final = 5


def dashboards_of(settings: Settings) -> tuple[Dashboard, ...]:
    """Return the dashboards: one for each question of whoever runs Langfuse."""
    # Another ClickHouse than the one in the cluster tells no metrics of its own.
    clickhouse = settings.own_clickhouse is None
    return (
        keeping_up(clickhouse=clickhouse),
        filling(clickhouse=clickhouse),
        costs(_prices(settings)),
    )


def monitoring_values(
    settings: Settings, *, redis: RedisOutputs | None, data_zone: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the values of the chart in ``manifests_chart``: the manifests, each by a key.

    Args:
        settings: the configuration.
        redis: outputs of the deps stack; None where Redis runs in the cluster.
        data_zone: zone of the pods with a volume.

    """
    own, source, spread = settings.own_clickhouse, settings.image_source, settings.spreads_pods
    texts = read_files((SCRIPT, LOADER))
    shown = dashboards_of(settings)
    provisioning = {"sources.yaml": as_yaml(_SOURCES), "providers.yaml": as_yaml(_PROVIDERS)}
    pages = {f"{each.uid}.json": json.dumps(each.model()) for each in shown}
    scrape = {"scrape.yaml": scrape_configuration(clickhouse=own is None)}
    programs = {
        "metrics": victoria_metrics(
            image=source.reference(images.VICTORIA_METRICS), spread=spread, zone=data_zone
        ),
        "exporter": metrics_exporter(
            image=source.reference(images.LINES[settings.langfuse_major].worker),
            redis=redis.redis_host if redis else None,
            own=own,
            spread=spread,
            scripts=texts,
        ),
        "grafana": grafana(
            image=source.reference(images.GRAFANA),
            spread=spread,
            configuration=[*provisioning.values(), *pages.values()],
        ),
    }
    return {
        "manifests": {
            **_account(),
            "metricsClaim": volume_claim(VICTORIA_METRICS, STORAGE_GB),
            "metricsConfiguration": scripts(VICTORIA_METRICS, scrape),
            "exporterScripts": scripts(METRICS_EXPORTER, texts),
            "grafanaConfiguration": scripts(GRAFANA, provisioning),
            "dashboards": scripts(DASHBOARDS, pages),
            **{f"{key}Service": each.service() for key, each in programs.items()},
            **{key: each.deployment() for key, each in programs.items()},
            **monitoring_policies(redis=redis is None, own=own),
        }
    }


def _prices(settings: Settings) -> MonthlyPrices:
    managed = settings.managed_redis
    return monthly_prices(
        instance_type=settings.node_instance_type,
        spot=settings.node_capacity_type == "SPOT",
        disk_gb=settings.node_disk_gb,
        public_nodes=settings.private_nodes is None,
        database_class=settings.database_instance_class,
        database_gb=settings.database_storage_gb,
        public_database=not settings.database_is_closed,
        cache_node_type=managed.node_type if managed else None,
        awake=settings.awake_hours.share if settings.awake_hours else 1,
    )


def _account() -> dict[str, dict[str, Any]]:
    """Return VictoriaMetrics' account: it finds nodes, and reads their kubelets' metrics.

    Not ``nodes/proxy``, which many grant beside it: by that one runs commands in every pod.
    """
    group = "rbac.authorization.k8s.io"
    rules = (
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
    )
    binding = {
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": VICTORIA_METRICS},
        "subjects": [{"kind": "ServiceAccount", "name": VICTORIA_METRICS, "namespace": NAMESPACE}],
    }
    return {
        "metricsAccount": manifest("v1", "ServiceAccount", VICTORIA_METRICS)
        | {"automountServiceAccountToken": False},
        "metricsRole": manifest(f"{group}/v1", "ClusterRole", VICTORIA_METRICS)
        | {"rules": [*rules]},
        "metricsRoleBinding": manifest(f"{group}/v1", "ClusterRoleBinding", VICTORIA_METRICS)
        | binding,
    }


_SOURCES: Final = {
    "apiVersion": 1,
    "datasources": [
        {
            **SOURCE,
            "name": "VictoriaMetrics",
            "url": f"http://{VICTORIA_METRICS}:{VICTORIA_METRICS_PORT}",
            "access": "proxy",
            "isDefault": True,
            "editable": False,
            "jsonData": {"timeInterval": "30s", "httpMethod": "POST"},
        }
    ],
}
_PROVIDERS: Final = {
    "apiVersion": 1,
    "providers": [
        {
            "name": "langfuse",
            "type": "file",
            "disableDeletion": True,
            "allowUiUpdates": False,
            "options": {"path": "/dashboards"},
        }
    ],
}
