"""Manifests of a Job that runs a script in Langfuse's worker image, whose modules it uses."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import sizing
from in_cluster.names import (
    BACKUP,
    NAME_LABEL,
    NAMESPACE,
    ROLE_ANNOTATION,
    SecretKey,
    from_secret,
)
from in_cluster.placement import BESIDE_WORKER
from in_cluster.pod_security import LANGFUSE_POD, READ_ONLY_CONTAINER
from in_cluster.terraform_text import literal

# Where the scripts are in the container.
FOLDER: Final = "/backup"


def manifest(version: str, kind: str, name: str) -> dict[str, Any]:
    """Return the begin of a manifest."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}}


def read_files(files: Sequence[Path]) -> dict[str, str]:
    """Return the texts of files, by their names."""
    return {each.name: each.read_text(encoding="utf-8") for each in files}


def scripts(name: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return a ConfigMap of the texts of files, by their names."""
    data = {file: literal(text) for file, text in texts.items()}
    return manifest("v1", "ConfigMap", name) | {"data": data}


def account(
    name: str, *, rules: Sequence[Mapping[str, Any]], role_arn: str | None = None
) -> dict[str, dict[str, Any]]:
    """Return a service account and its rights in the cluster, each by a key.

    Args:
        name: name of the account, of its Role and of its RoleBinding.
        rules: rules of the Role.
        role_arn: IAM role of its pods; None for none.

    """
    service_account = manifest("v1", "ServiceAccount", name)
    if role_arn:
        service_account["metadata"]["annotations"] = {ROLE_ANNOTATION: role_arn}
    binding = {
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}],
    }
    group = "rbac.authorization.k8s.io/v1"
    return {
        "account": service_account,
        "role": manifest(group, "Role", name) | {"rules": [*rules]},
        "roleBinding": manifest(group, "RoleBinding", name) | binding,
    }


def hook(name: str, events: str, job: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Job that Helm runs; a failed one stays, with its log, until it runs again."""
    found = manifest("batch/v1", "Job", name) | {"spec": dict(job)}
    found["metadata"]["annotations"] = {
        "helm.sh/hook": events,
        "helm.sh/hook-delete-policy": "before-hook-creation,hook-succeeded",
    }
    return found


def cron_job(
    name: str, schedule: str, job: Mapping[str, Any], *, zone: str = "Etc/UTC"
) -> dict[str, Any]:
    """Return a CronJob; of its Jobs the last that succeeded and that failed stay.

    Args:
        name: its name.
        schedule: cron expression.
        job: specification of the Jobs.
        zone: time zone of the schedule, in the IANA database.

    """
    return manifest("batch/v1", "CronJob", name) | {
        "spec": {
            "schedule": schedule,
            "timeZone": zone,
            "concurrencyPolicy": "Forbid",
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 1,
            "jobTemplate": {"spec": dict(job)},
        }
    }


def pod(
    name: str,
    *,
    image: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    passwords: Mapping[str, SecretKey],
    optional: bool = False,
    size: sizing.PodSize = sizing.BACKUP,
    container: str = "backup",
) -> dict[str, Any]:
    """Return the template of a pod, as hardened as web and worker.

    Its label is that of the backups' pods, which the stores admit.

    Args:
        name: name of the service account and of the ConfigMap with the scripts.
        image: reference of Langfuse's worker image.
        arguments: arguments of Node, with the scripts in ``FOLDER``.
        environment: environment variables.
        passwords: environment variables whose values are in Langfuse's Secret.
        optional: whether it starts without the Secret.
        size: its resources.
        container: name of its container.

    """
    return {
        "metadata": {"labels": {NAME_LABEL: BACKUP}},
        "spec": {
            "serviceAccountName": name,
            "enableServiceLinks": False,
            "restartPolicy": "Never",
            # Where the image is.
            "affinity": BESIDE_WORKER,
            "securityContext": LANGFUSE_POD,
            "containers": [
                {
                    "name": container,
                    "image": image,
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["node", *arguments],
                    "env": [
                        *({"name": key, "value": value} for key, value in environment.items()),
                        *(
                            {"name": variable, "valueFrom": _from_secret(key, optional=optional)}
                            for variable, key in passwords.items()
                        ),
                    ],
                    "resources": size.resources(),
                    "securityContext": READ_ONLY_CONTAINER,
                    "volumeMounts": [{"name": "script", "mountPath": FOLDER, "readOnly": True}],
                }
            ],
            "volumes": [{"name": "script", "configMap": {"name": name}}],
        },
    }


def _from_secret(key: SecretKey, *, optional: bool) -> dict[str, dict[str, Any]]:
    reference = from_secret(key)
    if not optional:
        return dict(reference)
    return {"secretKeyRef": {**reference["secretKeyRef"], "optional": True}}
