"""Kubernetes objects that Langfuse needs and its chart does not make.

They belong to the release (``extraManifests``), so that uninstalling it leaves nothing behind:
claims made by the StatefulSets themselves would stay, and their volumes with them.
"""

from collections.abc import Mapping
from typing import Any, Final

from in_cluster.names import (
    CLICKHOUSE_CLAIM,
    PRIORITY_CLASS,
    REDIS_CLAIM,
    SECRET,
    STORAGE_CLASS,
)

# The chart's key for additional manifests.
EXTRA_MANIFESTS: Final = "extraManifests"

# Key of the Secret among them; its data is set by this path.
SECRET_MANIFEST: Final = "secret"  # noqa: S105 - a key, not a secret


def extra_manifests(
    *, clickhouse_storage_gb: int, redis_storage_gb: int, volume_tags: Mapping[str, str]
) -> dict[str, dict[str, Any]]:
    """Return the manifests, each by a key; sizes in GiB, tags as AWS shows them on the volumes.

    A map where the chart's default is a list: its template walks either, and a write-only value is
    merged into a map but replaces a list (docs/adr/0005-secrets.md).
    """
    return {
        SECRET_MANIFEST: _secret(),
        "priorityClass": _priority_class(),
        "storageClass": _storage_class(volume_tags),
        "clickhouseClaim": _claim(CLICKHOUSE_CLAIM, clickhouse_storage_gb),
        "redisClaim": _claim(REDIS_CLAIM, redis_storage_gb),
    }


def with_keys(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return a user's chart values with ``extraManifests`` as a map, as ours are.

    The chart documents a list; its manifests get keys that none of ours has.
    """
    manifests = extra.get(EXTRA_MANIFESTS)
    if not isinstance(manifests, list):
        return dict(extra)
    keyed = {f"extra{position}": each for position, each in enumerate(manifests, start=1)}
    return {**extra, EXTRA_MANIFESTS: keyed}


def _secret() -> dict[str, Any]:
    """Return the Secret without its data, and without its kind.

    ``LangfuseRelease`` sets both as write-only values. If they were not sent, Helm would empty the
    Secret, and the next restart of a pod would fail; what has no kind it refuses instead.
    """
    return {"apiVersion": "v1", "metadata": {"name": SECRET}, "type": "Opaque"}


def _priority_class() -> dict[str, Any]:
    return {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": {"name": PRIORITY_CLASS},
        "value": 1_000_000,
        "globalDefault": False,
        "description": "Pods whose volume ties them to a zone; they may displace web from it.",
    }


def _storage_class(tags: Mapping[str, str]) -> dict[str, Any]:
    tag_parameters = {
        f"tagSpecification_{position}": f"{key}={value}"
        for position, (key, value) in enumerate(tags.items(), start=1)
    }
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS},
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3", "encrypted": "true", **tag_parameters},
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
        "reclaimPolicy": "Delete",
    }


def _claim(name: str, storage_gb: int) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": f"{storage_gb}Gi"}},
        },
    }
