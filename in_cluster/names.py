"""What things are called inside the cluster; the chart, the IAM role and the README agree on it."""

from enum import StrEnum
from typing import Final

RELEASE: Final = "langfuse"
NAMESPACE: Final = "langfuse"
SERVICE_ACCOUNT: Final = "langfuse"

# The chart calls it release and component; its Service's port is this too.
WEB_SERVICE: Final = "langfuse-web"
WEB_PORT: Final = 3000

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
