"""Values of the release that puts numbers of ClickHouse into CloudWatch (docs/alarms.md)."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import sizing
from in_cluster.langfuse_environment import heap
from in_cluster.names import (
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    FIRST_METRICS,
    METRICS,
    SecretKey,
)
from in_cluster.worker_job import FOLDER, account, cron_job, hook, pod, read_files, scripts
from in_cluster.worker_modules import LOADER

SCRIPT: Final = Path(__file__).with_name("metrics.js")

# Names in CloudWatch; both are percentages.
DISK_USED: Final = "ClickHouseDiskUsed"
NODE_MEMORY_USED: Final = "ClickHouseNodeMemoryUsed"
# The server reads memory from /proc/meminfo, which in a container is the node's. Without a row, the
# answer is nan.
QUERIES: Final[Mapping[str, str]] = {
    DISK_USED: (
        "SELECT 100 * (1 - sum(free_space) / sum(total_space)) FROM system.disks "
        "WHERE name = 'default'"
    ),
    NODE_MEMORY_USED: (
        "SELECT 100 * (1 - sumIf(value, metric = 'OSMemoryAvailable') "
        "/ sumIf(value, metric = 'OSMemoryTotal')) FROM system.asynchronous_metrics"
    ),
}

# As long as a period of the alarms. 8,640 requests a month, of a million that are free.
MINUTES: Final = 5
# Seconds: it ends before the next one begins. The image is on the node.
_JOB: Final = 240
# Seconds that Helm waits for the first one, which may be tried three times.
TIMEOUT: Final = 3 * _JOB + 60


def metric_namespace(name: str) -> str:
    """Return the namespace in CloudWatch of the metrics of installation ``name``."""
    return f"Langfuse/{name}"


def question(name: str) -> str:
    """Return the argument of the script for installation ``name``."""
    return json.dumps({"namespace": metric_namespace(name), "metrics": QUERIES})


def metrics_values(
    *, name: str, image: str, role_arn: str, region: str
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the values of the chart in ``manifests_chart``: the manifests, each by a key.

    Args:
        name: name of the installation.
        image: reference of Langfuse's worker image, whose modules the script uses.
        role_arn: IAM role that may put metrics.
        region: AWS region of the metrics.

    """

    def job(*, retries: int) -> dict[str, Any]:
        return {
            "backoffLimit": retries,
            "activeDeadlineSeconds": _JOB,
            "template": pod(
                METRICS,
                image=image,
                arguments=(f"{FOLDER}/{SCRIPT.name}", question(name)),
                environment={
                    "NODE_OPTIONS": heap(sizing.METRICS),
                    "CLICKHOUSE_URL": f"http://{CLICKHOUSE}:{CLICKHOUSE_HTTP_PORT}",
                    "CLICKHOUSE_USER": "default",
                    "AWS_REGION": region,
                },
                passwords={"CLICKHOUSE_PASSWORD": SecretKey.CLICKHOUSE_PASSWORD},
                size=sizing.METRICS,
                container="metrics",
            ),
        }

    # Of Kubernetes' API it needs nothing; EKS adds the token for the role by a volume of its own.
    service_account = account(METRICS, rules=(), role_arn=role_arn)["account"]
    return {
        "manifests": {
            "account": service_account | {"automountServiceAccountToken": False},
            "script": scripts(METRICS, read_files((SCRIPT, LOADER))),
            # Without it, a role that may not put metrics would leave alarms that never get a
            # number, and nobody is mailed of what has never been there.
            "first": hook(FIRST_METRICS, "post-install,post-upgrade", job(retries=2)),
            # No second try: the next one is due in minutes.
            "regular": cron_job(METRICS, f"*/{MINUTES} * * * *", job(retries=0)),
        }
    }
