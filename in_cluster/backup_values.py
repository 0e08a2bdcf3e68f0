"""Values of the release with the backups of ClickHouse (docs/adr/0025-backups-of-clickhouse.md).

Without backups, where ClickHouse is of the user's own, it still drains the queues before a destroy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import sizing
from in_cluster.langfuse_environment import heap
from in_cluster.names import (
    BACKUP,
    BACKUPS_PREFIX,
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    LAST_BACKUP,
    NAMESPACE,
    REDIS,
    REDIS_PORT,
    RESUME,
    WEB,
    WORKER,
    SecretKey,
)
from in_cluster.worker_job import FOLDER, account, hook, manifest, pod, read_files, scripts
from in_cluster.worker_modules import LOADER
from own_clickhouse import OwnClickhouse

SCRIPT: Final = Path(__file__).with_name("backup.js")
SCRIPTS: Final = (SCRIPT, LOADER)
# In its place if Redis wants TLS; it runs the other.
TLS_SCRIPT: Final = Path(__file__).with_name("redis_tls.js")
# Appended to it if ClickHouse is of the user's own.
WITHOUT_BACKUP: Final = Path(__file__).with_name("without_backup.js")

_PASSWORDS: Final = {
    "CLICKHOUSE_PASSWORD": SecretKey.CLICKHOUSE_PASSWORD,
    "REDIS_PASSWORD": SecretKey.REDIS_PASSWORD,
}
_RULES: Final = (
    {
        "apiGroups": ["apps"],
        "resources": ["deployments/scale"],
        "resourceNames": [WEB, WORKER],
        "verbs": ["get", "patch"],
    },
    # To see whether a stopped one's pods have ended.
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
)

# Tasks of the script.
Task = Literal["daily", "last", "resume"]

# Seconds. It asks Kubernetes twice; its image may have to be pulled.
_RESUME_SECONDS: Final = 300


@dataclass(frozen=True, kw_only=True)
class Durations:
    """How long a backup may take, in seconds."""

    drain: int
    """For the queues to become empty before a destroy; then it goes on without them."""
    job: int
    """For all of it; then Kubernetes ends the Job, and web and worker start again."""

    @property
    def uninstall(self) -> int:
        """Helm's timeout: longer than the Job, so that it learns how the Job ended."""
        return self.job + 60


# Chosen, not measured: when the queues have taken their time, 50 minutes are left for the backup.
# At 20 MB/s these would be enough for 60 GB, three times the default volume.
LOCAL: Final = Durations(drain=600, job=3600)
# A run in Terraform Cloud has one token for EKS, valid for 15 minutes, for all that it destroys.
REMOTE: Final = Durations(drain=180, job=540)


def backups_url(*, bucket: str, region: str) -> str:
    """Return the URL of the backups' folder in the bucket, for ClickHouse's SQL."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{bucket}.s3.{region}.{suffix}/{BACKUPS_PREFIX.rstrip('/')}"


def backup_values(
    *,
    image: str,
    langfuse_version: str,
    role_arn: str,
    bucket: str,
    region: str,
    schedule: str | None,
    kept: int,
    durations: Durations,
    redis: str | None = None,
    own: OwnClickhouse | None = None,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the values of the chart in ``manifests_chart``: the manifests, each by a key.

    Args:
        image: reference of Langfuse's worker image, whose modules the script uses.
        langfuse_version: version of Langfuse that writes the tables.
        role_arn: IAM role with access to the backups.
        bucket: name of the bucket.
        region: AWS region of the bucket.
        schedule: cron expression in UTC; None for no backups but the last.
        kept: backups that are kept while Langfuse runs.
        durations: limits of the Jobs.
        redis: host of a Redis that wants TLS; None for the one in the cluster.
        own: ClickHouse of the user's own, of which no backup is made: a destroy only has the queues
            drained before it.

    """
    environment = {
        "NODE_OPTIONS": heap(sizing.BACKUP),
        "NAMESPACE": NAMESPACE,
        **_clickhouse(own),
        **({} if own else {"BACKUPS_URL": backups_url(bucket=bucket, region=region)}),
        "BACKUPS_BUCKET": bucket,
        "AWS_REGION": region,
        **({} if own else {"BACKUPS_KEPT": str(kept)}),
        "LANGFUSE_VERSION": langfuse_version,
        "REDIS_HOST": redis or REDIS,
        "REDIS_PORT": str(REDIS_PORT),
        "DRAIN_SECONDS": str(durations.drain),
    }

    script = SCRIPT if redis is None else TLS_SCRIPT

    def job(task: Task, *, seconds: int, retries: int) -> dict[str, Any]:
        return {
            "backoffLimit": retries,
            "activeDeadlineSeconds": seconds,
            "template": pod(
                BACKUP,
                image=image,
                arguments=(f"{FOLDER}/{script.name}", task),
                environment=environment,
                passwords=_PASSWORDS,
            ),
        }

    manifests = {
        **account(BACKUP, rules=_RULES, role_arn=role_arn),
        "script": scripts(BACKUP, script_texts(own=own is not None, tls=redis is not None)),
        # No second try: the first one that fails has started Langfuse again, and says why.
        "last": hook(LAST_BACKUP, "pre-delete", job("last", seconds=durations.job, retries=0)),
        # Where a destroy ended after this release was deleted, the next deploy finds Langfuse's own
        # release unchanged, and web and worker stopped.
        "resume": hook(
            RESUME,
            "post-install,post-upgrade",
            job("resume", seconds=_RESUME_SECONDS, retries=2),
        ),
    }
    if schedule is not None and own is None:
        daily = job("daily", seconds=durations.job, retries=1)
        cron = {"spec": _cron(schedule, daily)}
        manifests["daily"] = manifest("batch/v1", "CronJob", BACKUP) | cron
    return {"manifests": manifests}


def script_texts(*, own: bool = False, tls: bool = False) -> dict[str, str]:
    """Return the texts of the program's files, by name.

    Args:
        own: whether ClickHouse is of the user's own, and is not backed up.
        tls: whether Redis wants TLS.

    """
    texts = read_files((*SCRIPTS, TLS_SCRIPT) if tls else SCRIPTS)
    if own:
        texts[SCRIPT.name] += WITHOUT_BACKUP.read_text(encoding="utf-8")
    return texts


def _clickhouse(own: OwnClickhouse | None) -> dict[str, str]:
    if own is None:
        url = f"http://{CLICKHOUSE}:{CLICKHOUSE_HTTP_PORT}"
        return {"CLICKHOUSE_URL": url, "CLICKHOUSE_USER": "default"}
    url = f"{own.url}/?database={own.database}"
    return {"CLICKHOUSE_URL": url, "CLICKHOUSE_USER": own.user}


def _cron(schedule: str, job: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "schedule": schedule,
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "successfulJobsHistoryLimit": 1,
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {"spec": dict(job)},
    }
