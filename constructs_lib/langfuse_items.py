"""Kubernetes objects that Langfuse needs and its chart does not make.

They are items of the release (``extraManifests``), so that uninstalling it leaves nothing behind:
claims made by the StatefulSets themselves would stay, and their volumes with them.
"""

from collections.abc import Mapping
from typing import Any, Final

from constructs_lib.langfuse_names import (
    CLICKHOUSE_CLAIM,
    PRIORITY_CLASS,
    REDIS_CLAIM,
    SECRET,
    STORAGE_CLASS,
)

# Position of the Secret in the list: its values are set by this index.
SECRET_ITEM: Final = 0


def release_items(
    *, clickhouse_storage_gb: int, redis_storage_gb: int, volume_tags: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the items; sizes in GiB, tags as AWS shows them on the volumes."""
    return [
        _secret(),
        _priority_class(),
        _storage_class(volume_tags),
        _claim(CLICKHOUSE_CLAIM, clickhouse_storage_gb),
        _claim(REDIS_CLAIM, redis_storage_gb),
    ]


def _secret() -> dict[str, Any]:
    """Return the Secret without its data: ``LangfuseRelease`` sets that as sensitive values."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": SECRET},
        "type": "Opaque",
    }


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
