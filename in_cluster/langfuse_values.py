"""Values of the Langfuse chart, as plain data."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import images
import sizing
from images import ImageSource
from in_cluster import langfuse_environment
from in_cluster.headless_init import HeadlessInit
from in_cluster.names import (
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    COMPONENT_LABEL,
    REDIS,
    ROLE_ANNOTATION,
    SECRET,
    SERVICE_ACCOUNT,
    SecretKey,
    from_secret,
)
from in_cluster.own_clickhouse_values import init_containers
from in_cluster.placement import away_from_clickhouse
from in_cluster.pod_security import CONTAINER, LANGFUSE_POD, READ_ONLY_CONTAINER
from in_cluster.terraform_text import literal
from own_clickhouse import OwnClickhouse

WAIT_SCRIPT: Final = Path(__file__).with_name("wait_for_tables.js")

# Rolling update without surge: the nodes have no memory for a second web pod.
NO_SURGE: Final = {"maxSurge": 0, "maxUnavailable": 1}


def langfuse_values(
    *,
    major: int,
    image_source: ImageSource,
    url: str,
    signup_disabled: bool,
    init: HeadlessInit,
    workload_role_arn: str,
    spread: bool,
    zone: str,
    own: OwnClickhouse | None = None,
) -> dict[str, Any]:
    """Return the values of web and worker.

    Args:
        major: major version of Langfuse.
        image_source: where the images come from.
        url: address of Langfuse in the browser.
        signup_disabled: whether only existing users can log in.
        init: first user, organization and project.
        workload_role_arn: IAM role with access to the bucket.
        spread: whether there are two or more nodes.
        zone: zone of the volumes.
        own: ClickHouse of the user's own; None for the one in the cluster.

    """
    line, sizes = images.LINES[major], sizing.LINES[major]
    bundled = own is None
    # Without ClickHouse in the cluster, there is no node to keep off.
    affinity = {"affinity": away_from_clickhouse(zone=zone)} if spread and bundled else {}
    return {
        "image": {"tag": line.web.tag, "pullPolicy": "IfNotPresent"},
        "salt": from_secret(SecretKey.SALT),
        "encryptionKey": from_secret(SecretKey.ENCRYPTION_KEY),
        "nextauth": {"url": url, "secret": from_secret(SecretKey.NEXTAUTH_SECRET)},
        "features": {"telemetryEnabled": False, "signUpDisabled": signup_disabled},
        "serviceAccount": {
            "name": SERVICE_ACCOUNT,
            "annotations": {ROLE_ANNOTATION: workload_role_arn},
        },
        "podSecurityContext": LANGFUSE_POD,
        **_init_containers(major, own, image=image_source.reference(line.worker)),
        "securityContext": CONTAINER,
        "deployment": {"strategy": {"type": "RollingUpdate", "rollingUpdate": NO_SURGE}},
        "web": {
            **image_source.chart_values(line.web),
            "replicas": 1,
            "resources": sizes.web.resources(),
            # Web runs migrations before it opens its port. A pod that is killed in a migration
            # leaves the database "dirty" (langfuse/langfuse#4975).
            "livenessProbe": {"initialDelaySeconds": 300},
            "readinessProbe": {"initialDelaySeconds": 30},
            "pod": {
                "additionalEnv": [
                    *_environment(langfuse_environment.web(major, clickhouse=bundled)),
                    *init.environment(),
                ],
                **affinity,
            },
        },
        "worker": {
            **image_source.chart_values(line.worker),
            "replicas": 1,
            "resources": sizes.worker.resources(),
            "pod": {
                "additionalEnv": _environment(
                    langfuse_environment.worker(major, clickhouse=bundled)
                ),
                **affinity,
            },
        },
    }


def postgresql_values(*, host: str, database: str, username: str) -> dict[str, Any]:
    """Return the connection to the external PostgreSQL, on the default port 5432."""
    return {
        "deploy": False,
        "host": host,
        # TLS without verification: Prisma, Langfuse's client, would need the RDS certificates.
        "args": "sslmode=require&sslaccept=accept_invalid_certs",
        "auth": {
            "username": username,
            "database": database,
            "existingSecret": SECRET,
            "secretKeys": {"userPasswordKey": SecretKey.POSTGRES_PASSWORD.value},
        },
    }


def clickhouse_values() -> dict[str, Any]:
    """Return the connection to ClickHouse, which is one of the extra manifests.

    For the same, chart 1 has ``clusterEnabled`` and chart 2 ``cluster.enabled``; without it
    Langfuse's migrations would make replicated tables.
    """
    return {
        "deploy": False,
        "host": CLICKHOUSE,
        "clusterEnabled": False,
        "cluster": {"enabled": False},
        "auth": {
            "username": "default",
            "existingSecret": SECRET,
            "existingSecretKey": SecretKey.CLICKHOUSE_PASSWORD.value,
        },
    }


def redis_values(*, managed_host: str | None) -> dict[str, Any]:
    """Return the connection to Redis.

    Args:
        managed_host: host of a Redis that wants TLS; None for the one among the extra manifests.

    """
    return {
        "deploy": False,
        "host": managed_host or REDIS,
        # Of Amazon's authority, which Node knows.
        **({"tls": {"enabled": True}} if managed_host else {}),
        "auth": {
            "username": "default",
            "existingSecret": SECRET,
            "existingSecretPasswordKey": SecretKey.REDIS_PASSWORD.value,
        },
    }


def s3_values(*, bucket: str, region: str) -> dict[str, Any]:
    """Return the bucket. Pods access it through their IAM role, so there are no access keys."""
    return {
        "deploy": False,
        "storageProvider": "s3",
        "bucket": bucket,
        "region": region,
        "forcePathStyle": False,
        "eventUpload": {"prefix": "events/"},
        "batchExport": {"enabled": True, "prefix": "exports/"},
        "mediaUpload": {"enabled": True, "prefix": "media/"},
    }


def _init_containers(
    major: int, own: OwnClickhouse | None, *, image: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the init container that has the worker of Langfuse 4 wait for web's migrations.

    With a ClickHouse of the user's own, it has both wait for that.
    """
    if own:
        return {"extraInitContainers": [*init_containers(own, major, image=image)]}
    if major == 3:  # noqa: PLR2004 - Langfuse 3
        return {}
    container = {
        "name": "wait-for-tables",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["node", "-e", literal(WAIT_SCRIPT.read_text(encoding="utf-8"))],
        "env": [
            {
                "name": "COMPONENT",
                "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{COMPONENT_LABEL}']"}},
            },
            {"name": "CLICKHOUSE_URL", "value": f"http://{CLICKHOUSE}:{CLICKHOUSE_HTTP_PORT}"},
            {
                "name": "CLICKHOUSE_PASSWORD",
                "valueFrom": from_secret(SecretKey.CLICKHOUSE_PASSWORD),
            },
        ],
        "resources": sizing.WAIT.resources(),
        "securityContext": READ_ONLY_CONTAINER,
    }
    return {"extraInitContainers": [container]}


def _environment(variables: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]
