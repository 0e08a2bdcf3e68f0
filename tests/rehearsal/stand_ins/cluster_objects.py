"""What a cluster holds before anything of ours: its machines, and the add-ons on them."""

from dataclasses import dataclass
from typing import Any, Final

ZONES: Final = ("us-east-1a", "us-east-1b")


@dataclass(frozen=True)
class NodeSize:
    """What a machine has, and what the kubelet's and the system's reservations leave of it."""

    instance_type: str
    capacity: dict[str, str]
    allocatable: dict[str, str]
    processor: str = "amd64"


T3_MEDIUM: Final = NodeSize(
    "t3.medium",
    capacity={"cpu": "2", "memory": "3931Mi", "pods": "17", "ephemeral-storage": "20893676Ki"},
    allocatable={
        "cpu": "1930m",
        "memory": "3276Mi",
        "pods": "17",
        "ephemeral-storage": "18181869946",
    },
)
# Twice a t3.medium's memory; the kubelet reserves by pods, of which it takes 35.
T3_LARGE: Final = NodeSize(
    "t3.large",
    capacity={"cpu": "2", "memory": "7935Mi", "pods": "35", "ephemeral-storage": "20893676Ki"},
    allocatable={
        "cpu": "1930m",
        "memory": "7195Mi",
        "pods": "35",
        "ephemeral-storage": "18181869946",
    },
)
# 64 MiB less than a t3.medium (sizing.py).
T4G_MEDIUM: Final = NodeSize(
    "t4g.medium",
    capacity={**T3_MEDIUM.capacity, "memory": "3867Mi"},
    allocatable={**T3_MEDIUM.allocatable, "memory": "3212Mi"},
    processor="arm64",
)

SYSTEM_WORKLOADS: Final = (
    ("DaemonSet", "aws-node", {"cpu": "50m"}),
    ("DaemonSet", "kube-proxy", {"cpu": "100m"}),
    ("DaemonSet", "ebs-csi-node", {"cpu": "30m", "memory": "120Mi"}),
    ("Deployment", "coredns", {"cpu": "100m", "memory": "70Mi"}),
    ("Deployment", "ebs-csi-controller", {"cpu": "60m", "memory": "240Mi"}),
)


def node(name: str, zone: str, size: NodeSize) -> dict[str, Any]:
    """Describe a machine as its kubelet would register it, before it is ready."""
    labels = {
        "kubernetes.io/arch": size.processor,
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "node.kubernetes.io/instance-type": size.instance_type,
        "topology.kubernetes.io/region": zone[:-1],
        "topology.kubernetes.io/zone": zone,
    }
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": {"providerID": f"aws:///{zone}/{name.partition('.')[0]}"},
        "status": {
            "capacity": size.capacity,
            "allocatable": size.allocatable,
            # As a kubelet registers them; nobody listens there.
            "addresses": [{"type": "InternalIP", "address": _address(name)}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
        },
    }


def _address(name: str) -> str:
    """Return the address that is in a name, such as 10.0.0.10 in ``ip-10-0-0-10.zone``."""
    return name.partition(".")[0].removeprefix("ip-").replace("-", ".")


def system_workload(kind: str, name: str, requests: dict[str, str]) -> dict[str, Any]:
    """Describe an add-on by what it takes from the nodes; its image is never pulled."""
    labels = {"k8s-app": name}
    container = {
        "name": name,
        "image": f"rehearsal.invalid/{name}",
        "resources": {"requests": requests},
    }
    pod: dict[str, Any] = {
        "priorityClassName": "system-cluster-critical",
        "containers": [container],
    }
    spec: dict[str, Any] = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    if kind == "DaemonSet":
        pod |= {
            "priorityClassName": "system-node-critical",
            "tolerations": [{"operator": "Exists"}],
        }
    else:
        spec["replicas"] = 2
    metadata = {"name": name, "namespace": "kube-system", "labels": labels}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}
