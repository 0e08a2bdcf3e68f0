"""What VictoriaMetrics asks for metrics, and how often."""

from typing import Any, Final

from in_cluster.helm_chart import as_yaml
from in_cluster.names import (
    CLICKHOUSE,
    CLICKHOUSE_METRICS_PORT,
    METRICS_EXPORTER,
    METRICS_EXPORTER_PORT,
    NAMESPACE,
    VICTORIA_METRICS_PORT,
)

# Seconds between two looks. The kubelet itself looks at the sizes of volumes once a minute.
INTERVAL: Final = 30
# Where the token and the certificate authority of the cluster are in the container.
ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"

# Of the kubelet and cAdvisor, what is kept: a node has ten thousand further series, of which the
# dashboards show none.
KUBELET_METRICS: Final = ("kubelet_volume_stats_(available|capacity|used)_bytes",)
CONTAINER_METRICS: Final = (
    "container_cpu_cfs_(periods|throttled_periods)_total",
    "container_cpu_usage_seconds_total",
    "container_fs_(limit|usage)_bytes",
    "container_memory_working_set_bytes",
    "container_network_(receive|transmit)_bytes_total",
    "container_oom_events_total",
    "container_spec_memory_limit_bytes",
    "container_start_time_seconds",
    "machine_cpu_cores",
    "machine_memory_bytes",
)


def scrape_configuration(*, clickhouse: bool, account: str = ACCOUNT) -> str:
    """Return the configuration, in Prometheus' format.

    Args:
        clickhouse: whether ClickHouse is in the cluster.
        account: directory with ``token`` and ``ca.crt``.

    """
    jobs = [
        _static("victoria-metrics", f"127.0.0.1:{VICTORIA_METRICS_PORT}"),
        _static("langfuse", f"{METRICS_EXPORTER}:{METRICS_EXPORTER_PORT}"),
        _kubelet("kubelet", "/metrics", KUBELET_METRICS, account),
        _kubelet("cadvisor", "/metrics/cadvisor", CONTAINER_METRICS, account),
    ]
    if clickhouse:
        jobs.append(_static("clickhouse", f"{CLICKHOUSE}:{CLICKHOUSE_METRICS_PORT}"))
    return as_yaml({"global": {"scrape_interval": f"{INTERVAL}s"}, "scrape_configs": jobs})


def _static(job: str, target: str) -> dict[str, Any]:
    return {"job_name": job, "static_configs": [{"targets": [target]}]}


def _kubelet(job: str, path: str, kept: tuple[str, ...], account: str) -> dict[str, Any]:
    """Return a job that asks the kubelet of each node, whose certificate the cluster has signed."""
    return {
        "job_name": job,
        "scheme": "https",
        "metrics_path": path,
        "authorization": {"credentials_file": f"{account}/token"},
        "tls_config": {"ca_file": f"{account}/ca.crt"},
        "kubernetes_sd_configs": [{"role": "node"}],
        "relabel_configs": [
            {"source_labels": ["__meta_kubernetes_node_name"], "target_label": "node"}
        ],
        "metric_relabel_configs": [
            {"action": "keep", "source_labels": ["__name__"], "regex": "|".join(kept)},
            # Of pods those of Langfuse and of the system, of other cgroups that of the whole node,
            # and the machine, which has neither label.
            {
                "action": "keep",
                "source_labels": ["id", "namespace"],
                "separator": ";",
                "regex": f"/?;|[^;]*;({NAMESPACE}|kube-system)",
            },
        ],
    }
