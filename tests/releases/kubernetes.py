"""What of a release's objects the API server refuses to change, or Helm would delete with data.

Only objects that are values of a chart can be read here: those of this project. What a chart itself
makes depends on its templates; the rehearsal has Helm render both, and a real API server judge.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import yaml

Manifest = dict[str, Any]

# Fields that an update may not change, by kind: the functions Validate…Update in pkg/apis of
# Kubernetes 1.36. A star stands for all other fields.
IMMUTABLE: Final[Mapping[str, tuple[str, ...]]] = {
    "ClusterRoleBinding": ("roleRef",),
    "ConfigMap": (),
    "CronJob": (),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "IngressClass": ("spec.controller",),
    "Job": ("spec.selector", "spec.template", "spec.completionMode", "spec.completions"),
    "NetworkPolicy": (),
    "PersistentVolumeClaim": ("spec.*",),
    "PriorityClass": ("value", "preemptionPolicy"),
    "Role": (),
    "RoleBinding": ("roleRef",),
    "Secret": ("type",),
    "Service": ("spec.clusterIP",),
    "ServiceAccount": (),
    "StatefulSet": ("spec.*",),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"),
}
# What the star leaves out.
MUTABLE: Final[Mapping[str, set[str]]] = {
    "PersistentVolumeClaim": {"resources", "volumeAttributesClassName"},
    "StatefulSet": {
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    },
}
# Data go with them, or are left where nothing finds them.
HOLD_DATA: Final = {"PersistentVolumeClaim", "StatefulSet"}
# Values of a chart that are in names, selectors or claims of what it makes, or make it at all.
REACHING: Final = re.compile(r"(^|\.)((name|fullname)Override|deploy|persistence\..*)$")
UNITS: Final = {"": 1, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


def refused(before: Sequence[str], after: Sequence[str]) -> Iterator[str]:
    """Compare the values of a release: YAML texts, which Helm merges one into the other."""
    if before == after:
        return
    old, new = (dict(pair for text in texts for pair in objects(text)) for texts in (before, after))
    for (kind, name), manifest in old.items():
        if (kind, name) in new:
            yield from (f"{kind} {name}: {what}" for what in _changes(manifest, new[kind, name]))
        elif kind in HOLD_DATA:
            yield f"{kind} {name} is gone"
    values = [dict(_reaching(texts)) for texts in (before, after)]
    for path in sorted({*values[0], *values[1]}):
        was, is_now = (each.get(path) for each in values)
        # What was not made cannot be lost.
        if was != is_now and (was or not path.endswith("deploy")):
            yield f"value {path} cannot change"
    mounts = [dict(_mounts(each)) for each in (old, new)]
    for claim in sorted({*mounts[0]} & {*mounts[1]}):
        if mounts[0][claim] != mounts[1][claim]:
            yield f"PersistentVolumeClaim {claim} is mounted elsewhere"


def _reaching(texts: Sequence[str]) -> Iterator[tuple[str, Any]]:
    for text in texts:
        yield from ((path, value) for path, value in _leaves(parsed(text)) if REACHING.search(path))


def _leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any YAML
    if isinstance(node, dict):
        for key, value in node.items():
            yield from _leaves(value, f"{path}.{key}" if path else str(key))
    else:
        yield path, node


def _mounts(found: Mapping[tuple[str, str], Manifest]) -> Iterator[tuple[str, list[Any]]]:
    """Return where the containers of pods have each claim."""
    for manifest in found.values():
        spec = _at(manifest, "spec.template.spec") or {}
        for volume in spec.get("volumes", []):
            if claim := _at(volume, "persistentVolumeClaim.claimName"):
                yield (
                    claim,
                    [
                        (mount["mountPath"], mount.get("subPath"))
                        for container in spec["containers"]
                        for mount in container.get("volumeMounts", [])
                        if mount["name"] == volume["name"]
                    ],
                )


@cache
def parsed(text: str) -> Manifest:
    """Return chart values."""
    values: Manifest = yaml.load(text, Loader=yaml.CSafeLoader)
    return values


@cache
def objects(text: str) -> tuple[tuple[tuple[str, str], Manifest], ...]:
    """Return the objects that are anywhere in chart values, each with its kind and name."""
    return tuple(_objects(parsed(text)))


def _objects(node: Any) -> Iterator[tuple[tuple[str, str], Manifest]]:  # noqa: ANN401 - any YAML
    if isinstance(node, list):
        for each in node:
            yield from _objects(each)
    elif isinstance(node, dict):
        if "kind" in node and "apiVersion" in node and "name" in (node.get("metadata") or {}):
            yield (node["kind"], node["metadata"]["name"]), node
        else:
            yield from _objects(list(node.values()))


def _changes(old: Manifest, new: Manifest) -> Iterator[str]:
    kind = old["kind"]
    # Helm deletes a hook before it makes it again.
    if "helm.sh/hook" in (old["metadata"].get("annotations") or {}):
        return
    if kind not in IMMUTABLE:
        if old != new:
            yield "of a kind whose fields are not known"
        return
    for path in IMMUTABLE[kind]:
        if path == "spec.*":
            fields = sorted({*old["spec"], *new["spec"]} - MUTABLE[kind])
            paths = [f"spec.{field}" for field in fields]
        else:
            paths = [path]
        yield from (f"{each} cannot change" for each in paths if _at(old, each) != _at(new, each))
    storage = "spec.resources.requests.storage"
    if kind == "PersistentVolumeClaim" and _bytes(_at(new, storage)) < _bytes(_at(old, storage)):
        yield f"{storage} cannot shrink"
    if old.get("immutable") and any(old.get(key) != new.get(key) for key in ("data", "immutable")):
        yield "data cannot change"


def _at(node: Any, path: str) -> Any:  # noqa: ANN401 - any YAML
    for key in path.split("."):
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _bytes(quantity: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(\w*)", quantity).groups()  # type: ignore[union-attr]
    return int(number) * UNITS[unit]
