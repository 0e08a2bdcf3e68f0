"""The manifest of a PersistentVolumeClaim."""

from collections.abc import Mapping
from typing import Any

from in_cluster.names import STORAGE_CLASS


def volume_claim(
    name: str, storage_gb: int, labels: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return a claim for one EBS volume of ``storage_gb`` GiB, with the project's StorageClass."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, **({"labels": dict(labels)} if labels else {})},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            "resources": {"requests": {"storage": f"{storage_gb}Gi"}},
        },
    }
