"""What things are called inside the cluster; the chart, the IAM role and the README agree on it."""

from enum import StrEnum
from typing import Final

RELEASE: Final = "langfuse"
NAMESPACE: Final = "langfuse"
SERVICE_ACCOUNT: Final = "langfuse"

# Workloads and Services: the chart names them <release>-<component>, Bitnami's charts add a role.
WEB: Final = "langfuse-web"
WEB_PORT: Final = 3000
WORKER: Final = "langfuse-worker"
WORKER_PORT: Final = 3030
CLICKHOUSE: Final = "langfuse-clickhouse-shard0"
CLICKHOUSE_SERVICE: Final = "langfuse-clickhouse"
CLICKHOUSE_HTTP_PORT: Final = 8123
REDIS: Final = "langfuse-redis-primary"
REDIS_PORT: Final = 6379

ORGANIZATION_ID: Final = "default-organization"
PROJECT_ID: Final = "default-project"

SECRET: Final = "langfuse-secrets"  # noqa: S105 - the name of the Secret, not its content
STORAGE_CLASS: Final = "langfuse-gp3"
PRIORITY_CLASS: Final = "langfuse-data"
CLICKHOUSE_CLAIM: Final = "langfuse-clickhouse"
REDIS_CLAIM: Final = "langfuse-redis"

# Of the release, its service account and what else it makes.
TRAEFIK: Final = "traefik"
EXTERNAL_DNS: Final = "external-dns"
CERTIFICATES_CLAIM: Final = "traefik-certificates"


class SecretKey(StrEnum):
    """The keys of the release's Secret."""

    SALT = "salt"
    ENCRYPTION_KEY = "encryption-key"
    NEXTAUTH_SECRET = "nextauth-secret"  # noqa: S105 - names of keys, here and below
    POSTGRES_PASSWORD = "postgres-password"  # noqa: S105
    CLICKHOUSE_PASSWORD = "clickhouse-password"  # noqa: S105
    REDIS_PASSWORD = "redis-password"  # noqa: S105
    ADMIN_PASSWORD = "admin-password"  # noqa: S105


def from_secret(key: SecretKey) -> dict[str, dict[str, str]]:
    """Return a reference to one key of the release's Secret."""
    return {"secretKeyRef": {"name": SECRET, "key": key.value}}
