"""Values of the release that moves Langfuse from one Redis to the other (docs/elasticache.md)."""

from pathlib import Path
from typing import Any, Final

import sizing
from in_cluster.backup_values import Durations
from in_cluster.langfuse_environment import heap
from in_cluster.names import (
    NAMESPACE,
    REDIS,
    REDIS_SWITCH,
    REDIS_SWITCH_BACK,
    WEB,
    WORKER,
    SecretKey,
)
from in_cluster.queues import QUEUES
from in_cluster.worker_job import FOLDER, account, hook, pod, read_files, scripts
from in_cluster.worker_modules import LOADER

SCRIPT: Final = Path(__file__).with_name("redis_switch.js")

# Seconds, besides those for the queues, for a pull of the image, and for the pods of web and worker
# to end: as long as a lost node keeps them.
_BESIDES: Final = 600

_RULES: Final = (
    {
        "apiGroups": ["apps"],
        "resources": ["deployments"],
        "resourceNames": [WEB, WORKER],
        "verbs": ["get"],
    },
    {
        "apiGroups": ["apps"],
        "resources": ["deployments/scale"],
        "resourceNames": [WEB, WORKER],
        "verbs": ["patch"],
    },
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
)


def timeout(durations: Durations) -> int:
    """Return the seconds that Helm waits for a Job: longer than it may take."""
    return durations.drain + _BESIDES + 60


def redis_switch_values(
    *, image: str, redis: str, durations: Durations
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the values of the chart in ``manifests_chart``: the manifests, each by a key.

    Args:
        image: reference of Langfuse's worker image, whose modules the script uses.
        redis: host of Redis in ElastiCache.
        durations: ``drain`` of them is how long the queues may take to become empty.

    """

    def job(host: str) -> dict[str, Any]:
        return {
            # No second try: the first one that fails has started Langfuse again, and says why.
            "backoffLimit": 0,
            "activeDeadlineSeconds": durations.drain + _BESIDES,
            "template": pod(
                REDIS_SWITCH,
                image=image,
                arguments=(f"{FOLDER}/{SCRIPT.name}",),
                environment={
                    "NODE_OPTIONS": heap(sizing.BACKUP),
                    "NODE_EXTRA_CA_CERTS": "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt",
                    "NAMESPACE": NAMESPACE,
                    "QUEUES": ",".join(QUEUES),
                    "REDIS_HOST": host,
                    "DRAIN_SECONDS": str(durations.drain),
                },
                passwords={"REDIS_PASSWORD": SecretKey.REDIS_PASSWORD},
                # Before the first deploy and after a destroy of Langfuse.
                optional=True,
            ),
        }

    return {
        "manifests": {
            **account(REDIS_SWITCH, rules=_RULES),
            "script": scripts(REDIS_SWITCH, read_files((SCRIPT, LOADER))),
            "there": hook(REDIS_SWITCH, "post-install,post-upgrade", job(redis)),
            "back": hook(REDIS_SWITCH_BACK, "pre-delete", job(REDIS)),
        }
    }
