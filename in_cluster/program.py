"""Manifests of a program that runs as one pod, and that nothing of Langfuse waits for."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from in_cluster.names import NAME_LABEL, RELEASE
from in_cluster.pod_security import READ_ONLY_CONTAINER
from in_cluster.worker_job import manifest
from sizing import PodSize


@dataclass(frozen=True, kw_only=True)
class Program:
    """A program that runs as one pod; a new one starts when the old one has ended."""

    name: str
    image: str
    port: int
    health: str
    """Path of its probes."""
    size: PodSize
    security: Mapping[str, Any]
    affinity: Mapping[str, Any]
    container: Mapping[str, Any]
    """Command, arguments and environment."""
    mounts: Mapping[str, str]
    """Directories in the container, by the names of volumes."""
    volumes: Mapping[str, Mapping[str, Any]]
    service_account: str | None = None
    restarts_with: Sequence[str] = ()
    """Texts whose change restarts it."""

    def deployment(self) -> dict[str, Any]:
        """Return the Deployment."""
        labels = {NAME_LABEL: self.name}
        probe = {"httpGet": {"path": self.health, "port": "http"}, "timeoutSeconds": 5}
        account = {"serviceAccountName": self.service_account} if self.service_account else {}
        checksum = hashlib.sha256("".join(self.restarts_with).encode()).hexdigest()
        annotations = {"checksum/configuration": checksum} if self.restarts_with else {}
        return manifest("apps/v1", "Deployment", self.name) | {
            "spec": {
                "replicas": 1,
                # A volume is of one pod at a time.
                "strategy": {"type": "Recreate"},
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": labels, "annotations": annotations},
                    "spec": {
                        **account,
                        "automountServiceAccountToken": False,
                        "enableServiceLinks": False,
                        "affinity": dict(self.affinity),
                        "securityContext": dict(self.security),
                        "containers": [
                            {
                                "name": self.name.removeprefix(f"{RELEASE}-"),
                                "image": self.image,
                                "imagePullPolicy": "IfNotPresent",
                                **self.container,
                                "ports": [{"name": "http", "containerPort": self.port}],
                                "readinessProbe": {**probe, "periodSeconds": 10},
                                "livenessProbe": {
                                    **probe,
                                    "initialDelaySeconds": 60,
                                    "periodSeconds": 30,
                                    "failureThreshold": 5,
                                },
                                "resources": self.size.resources(),
                                "securityContext": READ_ONLY_CONTAINER,
                                "volumeMounts": [
                                    {"name": name, "mountPath": path}
                                    for name, path in self.mounts.items()
                                ],
                            }
                        ],
                        "volumes": [
                            {"name": name, **volume} for name, volume in self.volumes.items()
                        ],
                    },
                },
            }
        }

    def service(self) -> dict[str, Any]:
        """Return the Service; its port is the container's (docs/adr/0024-network-policies.md)."""
        return manifest("v1", "Service", self.name) | {
            "spec": {
                "selector": {NAME_LABEL: self.name},
                "ports": [{"name": "http", "port": self.port, "targetPort": "http"}],
            }
        }
