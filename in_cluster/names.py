"""Names and labels in the cluster, shared by chart values, IAM roles, verify.py and replay.py."""

from enum import StrEnum
from typing import Final

RELEASE: Final = "langfuse"
NAMESPACE: Final = "langfuse"
SERVICE_ACCOUNT: Final = "langfuse"

# Labels of pods: the release, the program, and Langfuse's component.
INSTANCE_LABEL: Final = "app.kubernetes.io/instance"
NAME_LABEL: Final = "app.kubernetes.io/name"
COMPONENT_LABEL: Final = "app"

WEB_COMPONENT: Final = "web"
WORKER_COMPONENT: Final = "worker"
CLICKHOUSE_PROGRAM: Final = "clickhouse"
REDIS_PROGRAM: Final = "valkey"

# Workloads and their Services. Langfuse's chart names web and worker <release>-<component>; the
# names of ClickHouse and Redis are the product requirements' (FR20, FR21).
WEB: Final = f"{RELEASE}-{WEB_COMPONENT}"
WEB_PORT: Final = 3000
WORKER: Final = f"{RELEASE}-{WORKER_COMPONENT}"
WORKER_PORT: Final = 3030
CLICKHOUSE: Final = f"{RELEASE}-clickhouse"
CLICKHOUSE_HTTP_PORT: Final = 8123
CLICKHOUSE_NATIVE_PORT: Final = 9000
REDIS: Final = f"{RELEASE}-redis-master"
REDIS_PORT: Final = 6379

# Release with the backups of ClickHouse: its name, service account, role, ConfigMap and CronJob;
# and the Jobs that Helm runs, before it deletes the release and after it installed it.
BACKUP: Final = f"{RELEASE}-backup"
LAST_BACKUP: Final = f"{RELEASE}-last-backup"
RESUME: Final = f"{RELEASE}-resume"
# Release, only with ElastiCache, that moves Langfuse from one Redis to the other: its name, service
# account, role, ConfigMap and the Job on the way there; and the Job on the way back.
REDIS_SWITCH: Final = f"{RELEASE}-redis-switch"
REDIS_SWITCH_BACK: Final = f"{RELEASE}-redis-switch-back"
# Release, only with alarms, that puts numbers of ClickHouse into CloudWatch: its name, service
# account, ConfigMap and CronJob; and the Job that Helm runs after it installed it.
METRICS: Final = f"{RELEASE}-metrics"
FIRST_METRICS: Final = f"{RELEASE}-first-metrics"
# Release, only with dashboards: its name. Each other name is of a workload, and of the Service,
# NetworkPolicy, ConfigMap, service account or claim that goes with it.
MONITORING: Final = f"{RELEASE}-monitoring"
VICTORIA_METRICS: Final = f"{RELEASE}-victoria-metrics"
VICTORIA_METRICS_PORT: Final = 8428
METRICS_EXPORTER: Final = f"{RELEASE}-metrics-exporter"
METRICS_EXPORTER_PORT: Final = 9400
GRAFANA: Final = f"{RELEASE}-grafana"
GRAFANA_PORT: Final = 3000
# ConfigMap with the dashboards.
DASHBOARDS: Final = f"{RELEASE}-dashboards"
# Where ClickHouse tells its metrics, only then.
CLICKHOUSE_METRICS_PORT: Final = 9363
# ConfigMap with what a start of ClickHouse restores by.
RESTORE: Final = f"{RELEASE}-restore"
# File on ClickHouse's volume with what it was restored from; restore.sh writes it.
RESTORED: Final = "/var/lib/clickhouse/restored"

ORGANIZATION_ID: Final = "default-organization"
PROJECT_ID: Final = "default-project"

SECRET: Final = "langfuse-secrets"  # noqa: S105 - the name of the Secret, not its content
STORAGE_CLASS: Final = "langfuse-gp3"
PRIORITY_CLASS: Final = "langfuse-data"
CLICKHOUSE_CLAIM: Final = "langfuse-clickhouse"
REDIS_CLAIM: Final = "langfuse-redis"

# Each is the name of a release, its service account, its workload and its Service.
TRAEFIK: Final = "traefik"
EXTERNAL_DNS: Final = "external-dns"
CERTIFICATES_CLAIM: Final = "traefik-certificates"

# Release of the operator of SECRETS=external, its service account and Deployment; the release with
# what it works on; the ExternalSecret, and the Secret that it makes.
EXTERNAL_SECRETS: Final = "external-secrets"
SECRET_STORE: Final = f"{RELEASE}-secret-store"
EXTERNAL_SECRET: Final = f"{RELEASE}-external-secrets"

# Prefix of the backups' keys in the bucket.
BACKUPS_PREFIX: Final = "clickhouse/"
# Object with the version of the Langfuse whose data these are; backup.js writes it after a deploy
# and before a destroy.
LANGFUSE_OBJECT: Final = f"{BACKUPS_PREFIX}langfuse"
# Object that names the backups to go back to Langfuse 3 with; upgrade.py writes it, last.
WAY_BACK_OBJECT: Final = f"{BACKUPS_PREFIX}way-back"

# Annotation of a service account: ARN of the IAM role that its pods assume.
ROLE_ANNOTATION: Final = "eks.amazonaws.com/role-arn"


class SecretKey(StrEnum):
    """Keys of the Secret ``SECRET``."""

    SALT = "salt"
    ENCRYPTION_KEY = "encryption-key"
    NEXTAUTH_SECRET = "nextauth-secret"  # noqa: S105 - names of keys, here and below
    POSTGRES_PASSWORD = "postgres-password"  # noqa: S105
    CLICKHOUSE_PASSWORD = "clickhouse-password"  # noqa: S105
    REDIS_PASSWORD = "redis-password"  # noqa: S105
    ADMIN_PASSWORD = "admin-password"  # noqa: S105


class ProjectKey(StrEnum):
    """Further keys of the Secret, where Langfuse makes API keys of its first project."""

    PUBLIC = "project-public-key"
    SECRET = "project-secret-key"  # noqa: S105 - the name of a key


def from_secret(key: str) -> dict[str, dict[str, str]]:
    """Return a ``valueFrom`` reference to one key of the Secret."""
    return {"secretKeyRef": {"name": SECRET, "key": str(key)}}
