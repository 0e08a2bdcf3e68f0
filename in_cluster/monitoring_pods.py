"""What keeps and shows metrics: three pods, for none of which another pod waits."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sizing
from in_cluster.langfuse_environment import heap
from in_cluster.names import (
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    DASHBOARDS,
    GRAFANA,
    GRAFANA_PORT,
    METRICS_EXPORTER,
    METRICS_EXPORTER_PORT,
    NAMESPACE,
    REDIS,
    REDIS_PORT,
    VICTORIA_METRICS,
    VICTORIA_METRICS_PORT,
    SecretKey,
    from_secret,
)
from in_cluster.placement import BESIDE_CLICKHOUSE, BESIDE_WORKER, with_volume
from in_cluster.pod_security import LANGFUSE_POD, SECCOMP
from in_cluster.program import Program
from in_cluster.queues import QUEUES
from in_cluster.scrape_configuration import ACCOUNT
from own_clickhouse import OwnClickhouse

# Where metrics are kept, and for how many days.
RETENTION_DAYS: Final = 30
_STORAGE: Final = "/storage"
# MiB that stay free on the volume: VictoriaMetrics takes no more metrics then, and goes on showing.
_FREE_MIB: Final = 256
# Local port of this machine for Grafana: 3000 is Langfuse's.
LOCAL_PORT: Final = 3001
FORWARD: Final = (
    f"uv run kubectl port-forward svc/{GRAFANA} -n {NAMESPACE} {LOCAL_PORT}:{GRAFANA_PORT}"
)

# There is nobody to log in: who may forward a port may read every Secret as well. An editor can
# look at any metric; what is saved is gone with the pod.
_GRAFANA: Final = {
    "AUTH_ANONYMOUS_ENABLED": "true",
    "AUTH_ANONYMOUS_ORG_ROLE": "Editor",
    "AUTH_BASIC_ENABLED": "false",
    "AUTH_DISABLE_LOGIN_FORM": "true",
    "SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    "SERVER_ROOT_URL": f"http://localhost:{LOCAL_PORT}/",
    # It reaches VictoriaMetrics only, and would wait for these until they time out.
    "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "ANALYTICS_CHECK_FOR_UPDATES": "false",
    "ANALYTICS_REPORTING_ENABLED": "false",
    "NEWS_NEWS_FEED_ENABLED": "false",
    "PLUGINS_PREINSTALL_AUTO_UPDATE": "false",
    "PLUGINS_PREINSTALL_DISABLED": "true",
    "SECURITY_DISABLE_GRAVATAR": "true",
    "SNAPSHOTS_EXTERNAL_ENABLED": "false",
    # Alarms are another option's, and take memory.
    "UNIFIED_ALERTING_ENABLED": "false",
    "DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": "/dashboards/keeping-up.json",
}


def _pod_security(uid: int) -> dict[str, Any]:
    return {"runAsNonRoot": True, "runAsUser": uid, "runAsGroup": uid, "fsGroup": uid, **SECCOMP}


def victoria_metrics(*, image: str, spread: bool, zone: str) -> Program:
    """Return what asks for metrics and keeps them.

    Args:
        image: reference of its image.
        spread: whether there are two or more nodes.
        zone: zone of its volume.

    """
    return Program(
        name=VICTORIA_METRICS,
        image=image,
        port=VICTORIA_METRICS_PORT,
        health="/health",
        size=sizing.VICTORIA_METRICS,
        # The image has no user; 65534 is nobody's.
        security=_pod_security(65534) | {"fsGroupChangePolicy": "OnRootMismatch"},
        affinity=with_volume(zone=zone, spread=spread),
        container={
            "args": [
                f"-storageDataPath={_STORAGE}",
                f"-retentionPeriod={RETENTION_DAYS}d",
                f"-storage.minFreeDiskSpaceBytes={_FREE_MIB}MiB",
                "-promscrape.config=/configuration/scrape.yaml",
                # Its ConfigMap is mounted as a directory, and changes in place.
                "-promscrape.configCheckInterval=1m",
                "-loggerLevel=WARN",
            ]
        },
        mounts={"data": _STORAGE, "configuration": "/configuration", "account": ACCOUNT},
        volumes={
            "data": {"persistentVolumeClaim": {"claimName": VICTORIA_METRICS}},
            "configuration": {"configMap": {"name": VICTORIA_METRICS}},
            # As Kubernetes mounts it, but for the namespace, which is not needed.
            "account": {
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}},
                        {"configMap": {"name": "kube-root-ca.crt"}},
                    ]
                }
            },
        },
        service_account=VICTORIA_METRICS,
    )


def grafana(*, image: str, spread: bool, configuration: Sequence[str]) -> Program:
    """Return what shows the dashboards.

    Args:
        image: reference of its image.
        spread: whether there are two or more nodes.
        configuration: texts that it reads when it starts.

    """
    limit = {"GOMEMLIMIT": f"{sizing.GRAFANA.memory_limit_mib * 7 // 8}MiB"}
    variables = limit | {f"GF_{name}": value for name, value in _GRAFANA.items()}
    return Program(
        name=GRAFANA,
        image=image,
        port=GRAFANA_PORT,
        health="/api/health",
        size=sizing.GRAFANA,
        security=_pod_security(472),  # in Grafana's Dockerfile
        affinity=BESIDE_CLICKHOUSE if spread else {},
        container={"env": [{"name": name, "value": value} for name, value in variables.items()]},
        mounts={
            "data": "/var/lib/grafana",
            "tmp": "/tmp",  # noqa: S108 - in the container
            "sources": "/etc/grafana/provisioning/datasources",
            "providers": "/etc/grafana/provisioning/dashboards",
            "dashboards": "/dashboards",
        },
        volumes={
            "data": {"emptyDir": {"sizeLimit": "1Gi"}},
            "tmp": {"emptyDir": {"sizeLimit": "256Mi"}},
            "sources": {
                "configMap": {
                    "name": GRAFANA,
                    "items": [{"key": "sources.yaml", "path": "sources.yaml"}],
                }
            },
            "providers": {
                "configMap": {
                    "name": GRAFANA,
                    "items": [{"key": "providers.yaml", "path": "providers.yaml"}],
                }
            },
            "dashboards": {"configMap": {"name": DASHBOARDS}},
        },
        restarts_with=configuration,
    )


def metrics_exporter(
    *,
    image: str,
    redis: str | None,
    own: OwnClickhouse | None,
    spread: bool,
    scripts: Mapping[str, str],
) -> Program:
    """Return what tells of queues, Redis and tables, in Langfuse's worker image.

    Args:
        image: reference of Langfuse's worker image.
        redis: host of a Redis that wants TLS; None for the one in the cluster.
        own: ClickHouse of the user's own; None for the one in the cluster.
        spread: whether there are two or more nodes.
        scripts: texts of its program, by file; the first is run.

    """
    clickhouse = f"http://{CLICKHOUSE}:{CLICKHOUSE_HTTP_PORT}"
    variables = {
        # Without the second, V8 lets garbage grow to three times 16 MiB before it looks at it.
        "NODE_OPTIONS": f"{heap(sizing.METRICS_EXPORTER)} --max-semi-space-size=2",
        "PORT": str(METRICS_EXPORTER_PORT),
        "QUEUES": ",".join(QUEUES),
        "REDIS_HOST": redis or REDIS,
        "REDIS_PORT": str(REDIS_PORT),
        **({"REDIS_TLS": "1"} if redis else {}),
        "CLICKHOUSE_URL": f"{own.url}/?database={own.database}" if own else clickhouse,
        "CLICKHOUSE_USER": own.user if own else "default",
    }
    secret = {
        "REDIS_PASSWORD": from_secret(SecretKey.REDIS_PASSWORD),
        "CLICKHOUSE_PASSWORD": from_secret(SecretKey.CLICKHOUSE_PASSWORD),
    }
    return Program(
        name=METRICS_EXPORTER,
        image=image,
        port=METRICS_EXPORTER_PORT,
        health="/health",
        size=sizing.METRICS_EXPORTER,
        security=LANGFUSE_POD,
        # Where the image is.
        affinity=BESIDE_WORKER if spread else {},
        container={
            "command": ["node", f"/exporter/{next(iter(scripts))}"],
            "env": [
                *({"name": name, "value": value} for name, value in variables.items()),
                *({"name": name, "valueFrom": value} for name, value in secret.items()),
            ],
        },
        mounts={"scripts": "/exporter"},
        volumes={"scripts": {"configMap": {"name": METRICS_EXPORTER}}},
        restarts_with=[*scripts.values()],
    )
