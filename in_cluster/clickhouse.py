"""Manifests of ClickHouse: one replica, which needs no Keeper (docs/adr/0021-official-images.md).

What the image does with them was read in docker/server/ of github.com/ClickHouse/ClickHouse and in
server/26.3.17.110/ of github.com/ClickHouse/docker-library.
"""

import hashlib
from pathlib import Path
from typing import Any, Final

from in_cluster.names import (
    CLICKHOUSE,
    CLICKHOUSE_CLAIM,
    CLICKHOUSE_HTTP_PORT,
    CLICKHOUSE_METRICS_PORT,
    CLICKHOUSE_NATIVE_PORT,
    CLICKHOUSE_PROGRAM,
    RESTORE,
    ROLE_ANNOTATION,
    SecretKey,
    from_secret,
)
from in_cluster.placement import with_volume
from in_cluster.store import Store
from in_cluster.terraform_text import literal
from sizing import PodSize

SERVER: Final = Path(__file__).with_name("clickhouse_server.xml")
USERS: Final = Path(__file__).with_name("clickhouse_users.xml")
# Only with dashboards.
METRICS: Final = Path(__file__).with_name("clickhouse_metrics.xml")
RESTORE_SCRIPT: Final = Path(__file__).with_name("restore.sh")

# Where the image expects them. Each is mounted by itself: a directory over config.d would hide the
# image's own file, with the addresses on which the server listens.
_PATHS: Final = {
    SERVER.name: "/etc/clickhouse-server/config.d/langfuse.xml",
    USERS.name: "/etc/clickhouse-server/users.d/langfuse.xml",
    METRICS.name: "/etc/clickhouse-server/config.d/metrics.xml",
}

# Stands for max_server_memory_usage in SERVER.
_MEMORY: Final = "MAX_SERVER_MEMORY_USAGE"

# Key of a ConfigMap.
_LANGFUSE_VERSION: Final = "langfuse-version"

# Seconds. Migrations wait for the server, and a restore may run before it is ready.
_STARTUP: Final = 3600
# Seconds. The server gives its clients 5 s, then writes what it holds in memory.
_GRACE: Final = 60


def clickhouse_manifests(
    *,
    image: str,
    size: PodSize,
    zone: str,
    role_arn: str,
    backups_url: str,
    region: str,
    langfuse_version: str,
    metrics: bool = False,
) -> dict[str, dict[str, Any]]:
    """Return the manifests, each by a key.

    Args:
        image: reference of the image.
        size: resources of its pod.
        zone: zone of its volume.
        role_arn: IAM role with access to the backups.
        backups_url: URL of the backups' folder in the bucket.
        region: AWS region of the bucket.
        langfuse_version: version of Langfuse that is deployed.
        metrics: whether it tells its metrics, at a port of their own.

    """
    configuration = {
        SERVER.name: server_configuration(size),
        USERS.name: USERS.read_text(encoding="utf-8"),
        **({METRICS.name: METRICS.read_text(encoding="utf-8")} if metrics else {}),
    }
    store = Store(
        name=CLICKHOUSE,
        program=CLICKHOUSE_PROGRAM,
        image=image,
        uid=101,  # in docker/server/Dockerfile.ubuntu
        ports={
            "http": CLICKHOUSE_HTTP_PORT,
            "native": CLICKHOUSE_NATIVE_PORT,
            **({"metrics": CLICKHOUSE_METRICS_PORT} if metrics else {}),
        },
        claim=CLICKHOUSE_CLAIM,
        data_path="/var/lib/clickhouse",
        startup_seconds=_STARTUP,
        grace_seconds=_GRACE,
    )
    return {
        "clickhouseAccount": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": CLICKHOUSE, "annotations": {ROLE_ANNOTATION: role_arn}},
            # Of Kubernetes' API; EKS adds the token for the role by a volume of its own.
            "automountServiceAccountToken": False,
        },
        "clickhouseConfiguration": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": CLICKHOUSE},
            "data": configuration,
        },
        # A start reads it; a new version of Langfuse needs none.
        "clickhouseRestore": {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": RESTORE},
            "data": {
                RESTORE_SCRIPT.name: literal(RESTORE_SCRIPT.read_text(encoding="utf-8")),
                _LANGFUSE_VERSION: langfuse_version,
            },
        },
        "clickhouseService": store.service(),
        "clickhouse": store.stateful_set(
            container={
                "env": [
                    {"name": "CLICKHOUSE_SKIP_USER_SETUP", "value": "1"},
                    {
                        "name": "CLICKHOUSE_PASSWORD",
                        "valueFrom": from_secret(SecretKey.CLICKHOUSE_PASSWORD),
                    },
                    # Without it, the image skips scripts once the volume has data: after one that
                    # failed as well.
                    {"name": "CLICKHOUSE_ALWAYS_RUN_INITDB_SCRIPTS", "value": "1"},
                    {"name": "BACKUPS_URL", "value": backups_url},
                    {
                        "name": "LANGFUSE_VERSION",
                        "valueFrom": {
                            "configMapKeyRef": {"name": RESTORE, "key": _LANGFUSE_VERSION}
                        },
                    },
                    # The server reads the second one (aws-sdk-cpp's STS client); EKS sets both.
                    {"name": "AWS_REGION", "value": region},
                    {"name": "AWS_DEFAULT_REGION", "value": region},
                ],
                "resources": size.resources(),
            },
            probe={"httpGet": {"path": "/ping", "port": "http"}},
            # The entrypoint copies users.xml to /tmp, to compare it.
            mounts=[
                {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - in the container
                *(
                    {
                        "name": "configuration",
                        "mountPath": _PATHS[name],
                        "subPath": name,
                        "readOnly": True,
                    }
                    for name in configuration
                ),
                {
                    "name": "restore",
                    "mountPath": f"/docker-entrypoint-initdb.d/{RESTORE_SCRIPT.name}",
                    "subPath": RESTORE_SCRIPT.name,
                    "readOnly": True,
                },
            ],
            volumes=[
                {"name": "tmp", "emptyDir": {}},
                {"name": "configuration", "configMap": {"name": CLICKHOUSE}},
                # The entrypoint runs an executable file, and would read another one into its own
                # shell, which the script's `exit` would end.
                {"name": "restore", "configMap": {"name": RESTORE, "defaultMode": 0o555}},
            ],
            # A file that is mounted by subPath does not follow its ConfigMap: a restart is needed.
            annotations={"checksum/configuration": _checksum(configuration)},
            affinity=with_volume(zone=zone),
            service_account=CLICKHOUSE,
        ),
    }


def server_configuration(size: PodSize) -> str:
    """Return the server's configuration, with the memory that a container of this size leaves it.

    Raises:
        ValueError: the size has no peak.

    """
    if size.peak_mib is None:
        message = "the server needs a limit of its own"
        raise ValueError(message)
    text = SERVER.read_text(encoding="utf-8")
    return text.replace(_MEMORY, str(size.peak_mib * 2**20))


def _checksum(configuration: dict[str, str]) -> str:
    return hashlib.sha256("".join(configuration.values()).encode()).hexdigest()
