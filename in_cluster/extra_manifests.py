"""Kubernetes objects that Langfuse needs and its chart does not create.

They are part of the release (``extraManifests``), so uninstalling it deletes them. Claims that
StatefulSets create themselves would stay, with their volumes.
"""

from collections.abc import Mapping
from typing import Any, Final

import images
import sizing
from images import ImageSource
from in_cluster.clickhouse import clickhouse_manifests
from in_cluster.names import (
    CLICKHOUSE_CLAIM,
    PRIORITY_CLASS,
    REDIS_CLAIM,
    SECRET,
    STORAGE_CLASS,
)
from in_cluster.network_policies import network_policies
from in_cluster.valkey import redis_manifests
from in_cluster.volume_claim import volume_claim

# The chart's key for additional manifests.
EXTRA_MANIFESTS: Final = "extraManifests"

# Key of the Secret in that map; ``LangfuseRelease`` sets its data by this path.
SECRET_MANIFEST: Final = "secret"  # noqa: S105 - a key, not a secret


def extra_manifests(
    *,
    major: int,
    image_source: ImageSource,
    clickhouse_storage_gb: int,
    redis_storage_gb: int | None,
    volume_tags: Mapping[str, str],
    spread: bool,
    zone: str,
    public: bool,
    clickhouse: bool,
    metrics: bool,
    clickhouse_role_arn: str,
    backups_url: str,
    region: str,
) -> dict[str, dict[str, Any]]:
    """Return the manifests, each by a key.

    They are a map, although the chart's default is a list: its template ranges over both, and Helm
    merges a write-only value into a map but replaces a list (docs/adr/0005-secrets.md).

    Args:
        major: major version of Langfuse.
        image_source: where the images come from.
        clickhouse_storage_gb: volume of ClickHouse, in GiB.
        redis_storage_gb: volume of Redis, in GiB; None where it runs elsewhere.
        volume_tags: AWS tags of the volumes.
        spread: whether there are two or more nodes.
        zone: zone of the volumes.
        public: whether there is a public hostname.
        clickhouse: whether ClickHouse is in the cluster; without it, what names it counts nothing.
        metrics: whether ClickHouse tells its metrics.
        clickhouse_role_arn: IAM role with access to the backups of ClickHouse.
        backups_url: URL of the backups' folder in the bucket.
        region: AWS region of the bucket.

    """
    line = images.LINES[major]
    claims: dict[str, dict[str, Any]] = {}
    stores: dict[str, dict[str, Any]] = {}
    if clickhouse:
        claims["clickhouseClaim"] = volume_claim(CLICKHOUSE_CLAIM, clickhouse_storage_gb)
        stores |= clickhouse_manifests(
            image=image_source.reference(line.clickhouse),
            size=sizing.LINES[major].clickhouse,
            zone=zone,
            role_arn=clickhouse_role_arn,
            backups_url=backups_url,
            region=region,
            langfuse_version=line.worker.tag,
            metrics=metrics,
        )
    if redis_storage_gb is not None:
        claims["redisClaim"] = volume_claim(REDIS_CLAIM, redis_storage_gb)
        valkey = image_source.reference(images.VALKEY)
        stores |= redis_manifests(image=valkey, spread=spread, zone=zone)
    return {
        SECRET_MANIFEST: _secret(),
        "priorityClass": _priority_class(),
        "storageClass": _storage_class(volume_tags),
        **claims,
        **stores,
        **network_policies(
            public=public, clickhouse=clickhouse, redis=redis_storage_gb is not None
        ),
    }


def with_keys(extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return the user's chart values with ``extraManifests`` as a map, so that it can be merged.

    The chart documents a list. Its items get the keys ``extra1``, ``extra2`` and so on.
    """
    manifests = extra.get(EXTRA_MANIFESTS)
    if not isinstance(manifests, list):
        return dict(extra)
    keyed = {f"extra{position}": each for position, each in enumerate(manifests, start=1)}
    return {**extra, EXTRA_MANIFESTS: keyed}


def _secret() -> dict[str, Any]:
    """Return the Secret without its data and its kind.

    ``LangfuseRelease`` sets both as write-only values. An update that omits them would otherwise
    empty the Secret, and pods would fail at their next restart. Helm rejects a manifest without a
    kind, so that update fails instead.
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
