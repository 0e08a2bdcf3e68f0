"""The values of the Langfuse chart: plain data in, plain data out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import sizing
from in_cluster import langfuse_environment
from in_cluster.headless_init import HeadlessInit
from in_cluster.names import (
    CLICKHOUSE_CLAIM,
    PRIORITY_CLASS,
    REDIS_CLAIM,
    SECRET,
    SERVICE_ACCOUNT,
    SecretKey,
    from_secret,
)
from in_cluster.placement import away_from_volumes, with_volume

# The nodes have no room for a second web pod beside the first.
ONE_AT_A_TIME: Final = {"maxSurge": 0, "maxUnavailable": 1}

# Of web and worker. Both images run as uid 1001 (USER in web/Dockerfile and worker/Dockerfile), by
# a name that Kubernetes cannot verify, so the number is given here. Their root file system stays
# writable: Next.js and Prisma keep caches in it.
POD_SECURITY: Final = {
    "runAsNonRoot": True,
    "runAsUser": 1001,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: Final = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}

CLICKHOUSE_OVERRIDES: Final = Path(__file__).with_name("clickhouse_overrides.xml")


def langfuse_values(
    *,
    image_tag: str,
    url: str,
    signup_disabled: bool,
    init: HeadlessInit,
    workload_role_arn: str,
    spread: bool,
    zone: str,
) -> dict[str, Any]:
    """Return what web and worker need.

    With ``spread``, they are placed on two or more nodes, out of ``zone``, which has the volumes.
    """
    return {
        "image": {"tag": image_tag, "pullPolicy": "IfNotPresent"},
        "salt": from_secret(SecretKey.SALT),
        "encryptionKey": from_secret(SecretKey.ENCRYPTION_KEY),
        "nextauth": {"url": url, "secret": from_secret(SecretKey.NEXTAUTH_SECRET)},
        "features": {"telemetryEnabled": False, "signUpDisabled": signup_disabled},
        "serviceAccount": {
            "name": SERVICE_ACCOUNT,
            "annotations": {"eks.amazonaws.com/role-arn": workload_role_arn},
        },
        "podSecurityContext": POD_SECURITY,
        "securityContext": CONTAINER_SECURITY,
        "deployment": {"strategy": {"type": "RollingUpdate", "rollingUpdate": ONE_AT_A_TIME}},
        "web": {
            "replicas": 1,
            "resources": sizing.WEB.resources(),
            # Migrations run before the port opens, and a pod killed in one leaves the database
            # "dirty" (langfuse/langfuse#4975).
            "livenessProbe": {"initialDelaySeconds": 300},
            "readinessProbe": {"initialDelaySeconds": 30},
            "pod": {
                "additionalEnv": [*_environment(langfuse_environment.WEB), *init.environment()],
                **({"affinity": away_from_volumes(zone=zone)} if spread else {}),
            },
        },
        "worker": {
            "replicas": 1,
            "resources": sizing.WORKER.resources(),
            "pod": {
                "additionalEnv": _environment(langfuse_environment.WORKER),
                **({"affinity": away_from_volumes(zone=zone)} if spread else {}),
            },
        },
    }


def postgresql_values(*, host: str, database: str, username: str) -> dict[str, Any]:
    """Return where the external PostgreSQL is; it listens on 5432."""
    return {
        "deploy": False,
        "host": host,
        # Encrypted, and not verified: Langfuse's client (Prisma) would need the RDS certificates.
        "args": "sslmode=require&sslaccept=accept_invalid_certs",
        "auth": {
            "username": username,
            "database": database,
            "existingSecret": SECRET,
            "secretKeys": {"userPasswordKey": SecretKey.POSTGRES_PASSWORD.value},
        },
    }


def clickhouse_values(*, zone: str) -> dict[str, Any]:
    """Return one ClickHouse replica, which needs no ZooKeeper, in ``zone``."""
    return {
        "deploy": True,
        "replicaCount": 1,
        "clusterEnabled": False,
        "zookeeper": {"enabled": False},
        "auth": {
            "username": "default",
            "existingSecret": SECRET,
            "existingSecretKey": SecretKey.CLICKHOUSE_PASSWORD.value,
        },
        "resources": sizing.CLICKHOUSE.resources(),
        "priorityClassName": PRIORITY_CLASS,
        "persistence": {"existingClaim": CLICKHOUSE_CLAIM},
        "affinity": with_volume(zone=zone),
        "extraOverrides": CLICKHOUSE_OVERRIDES.read_text(encoding="utf-8"),
    }


def redis_values(*, spread: bool, zone: str) -> dict[str, Any]:
    """Return one Redis; it holds the queues, so a full one must refuse, not forget."""
    return {
        "deploy": True,
        "architecture": "standalone",
        "auth": {
            "existingSecret": SECRET,
            "existingSecretPasswordKey": SecretKey.REDIS_PASSWORD.value,
        },
        "primary": {
            # Redis needs a bound of its own to refuse by: at the container's it is killed.
            "extraFlags": [
                f"--maxmemory {sizing.REDIS_MAXMEMORY_MIB}mb",
                "--maxmemory-policy noeviction",
            ],
            "resources": sizing.REDIS.resources(),
            "priorityClassName": PRIORITY_CLASS,
            "persistence": {"existingClaim": REDIS_CLAIM},
            "affinity": with_volume(zone=zone, spread=spread),
        },
    }


def s3_values(*, bucket: str, region: str) -> dict[str, Any]:
    """Return where the bucket is; pods reach it through their IAM role, so there is no key."""
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


def _environment(variables: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in variables.items()]
