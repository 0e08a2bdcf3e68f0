"""Manifests that ClickHouse and Redis share: the StatefulSet of one pod, and its Service."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from in_cluster.names import INSTANCE_LABEL, NAME_LABEL, PRIORITY_CLASS, RELEASE
from in_cluster.pod_security import READ_ONLY_CONTAINER, SECCOMP

_DATA = "data"


@dataclass(frozen=True, kw_only=True)
class Store:
    """A program that keeps its data in one volume, and so runs as one pod."""

    name: str
    """Name of the StatefulSet and of the Service."""
    program: str
    """Label of the pod, by which placement rules select it."""
    image: str
    uid: int
    """User and group of the image, which own the volume's files."""
    ports: Mapping[str, int]
    """Ports of the container and of the Service, by name."""
    claim: str
    """Name of the PersistentVolumeClaim."""
    data_path: str
    """Directory at which the volume is mounted."""
    startup_seconds: int
    """Seconds after which a pod that is not ready is restarted."""
    grace_seconds: int
    """Seconds to stop in, before it is killed."""

    def service(self) -> dict[str, Any]:
        """Return the Service."""
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.name, "labels": self._labels()},
            "spec": {
                "selector": self._labels(),
                "ports": [
                    {"name": name, "port": port, "targetPort": name}
                    for name, port in self.ports.items()
                ],
            },
        }

    def stateful_set(
        self,
        *,
        container: Mapping[str, Any],
        probe: Mapping[str, Any],
        mounts: Sequence[Mapping[str, Any]] = (),
        volumes: Sequence[Mapping[str, Any]] = (),
        annotations: Mapping[str, str] | None = None,
        affinity: Mapping[str, Any],
        service_account: str | None = None,
    ) -> dict[str, Any]:
        """Return the StatefulSet of one pod.

        Args:
            container: arguments, environment and resources of the container.
            probe: handler of its probes.
            mounts: volume mounts besides that of the data.
            volumes: volumes of these mounts.
            annotations: annotations of the pod; a change of them restarts it.
            affinity: placement of the pod.
            service_account: service account of the pod; None for the namespace's default.

        """
        return {
            "apiVersion": "apps/v1",
            "kind": "StatefulSet",
            "metadata": {"name": self.name, "labels": self._labels()},
            "spec": {
                "replicas": 1,
                "serviceName": self.name,
                "selector": {"matchLabels": self._labels()},
                "template": {
                    "metadata": {
                        "labels": self._labels(),
                        **({"annotations": dict(annotations)} if annotations else {}),
                    },
                    "spec": {
                        **({"serviceAccountName": service_account} if service_account else {}),
                        "automountServiceAccountToken": False,
                        "enableServiceLinks": False,
                        "priorityClassName": PRIORITY_CLASS,
                        "affinity": dict(affinity),
                        "terminationGracePeriodSeconds": self.grace_seconds,
                        "securityContext": self._pod_security(),
                        "containers": [
                            {
                                "name": self.program,
                                "image": self.image,
                                "imagePullPolicy": "IfNotPresent",
                                "securityContext": READ_ONLY_CONTAINER,
                                "ports": [
                                    {"name": name, "containerPort": port}
                                    for name, port in self.ports.items()
                                ],
                                **self._probes(probe),
                                **container,
                                "volumeMounts": [
                                    {"name": _DATA, "mountPath": self.data_path},
                                    *mounts,
                                ],
                            }
                        ],
                        # A claim of the release, not of the StatefulSet: that would outlive it.
                        "volumes": [
                            {"name": _DATA, "persistentVolumeClaim": {"claimName": self.claim}},
                            *volumes,
                        ],
                    },
                },
            },
        }

    def _labels(self) -> dict[str, str]:
        return {INSTANCE_LABEL: RELEASE, NAME_LABEL: self.program}

    def _pod_security(self) -> dict[str, Any]:
        return {
            "runAsNonRoot": True,
            "runAsUser": self.uid,
            "runAsGroup": self.uid,
            "fsGroup": self.uid,
            # The default, Always, would walk over every file of the volume at each start.
            "fsGroupChangePolicy": "OnRootMismatch",
            **SECCOMP,
        }

    def _probes(self, handler: Mapping[str, Any]) -> dict[str, Any]:
        """Return the probes: after 30 s without an answer no requests, after 120 s a restart."""
        probe = {**handler, "periodSeconds": 10, "timeoutSeconds": 5}
        return {
            "startupProbe": {**probe, "failureThreshold": self.startup_seconds // 10},
            "readinessProbe": {**probe, "failureThreshold": 3},
            "livenessProbe": {**probe, "failureThreshold": 12},
        }
