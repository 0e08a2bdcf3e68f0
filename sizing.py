"""Memory of the pods: requests, limits, measured peaks, and whether the nodes can hold them.

The peaks are of the real Langfuse 3.225.4 under load (2026-11-25). The figures are a small profile:
Langfuse's own guide starts at twice these. On two t3.medium (3276 MiB allocatable, 120 of them for
the system), in MiB:

=================  ==================  ==================  ====
node               peaks               limits              free
=================  ==================  ==================  ====
web, worker        1335 + 1278 = 2613  1664 + 1472 = 3136  3156
ClickHouse, Redis  1536 +  448 = 1984  2048 +  512 = 2560  3156
=================  ==================  ==================  ====

With a public name the second node also has Traefik and ExternalDNS: limits of 2560 + 320 = 2880.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PodSize:
    """Resources of one pod: ``cpu_m`` in millicores, everything else in MiB.

    ``peak_mib`` is the most that the pod was seen to take, or is bound to; None where nothing was
    measured. ``heap_mib`` is the size of V8's old space; None where no Node.js runs.
    """

    cpu_m: int
    memory_mib: int
    memory_limit_mib: int
    peak_mib: int | None = None
    heap_mib: int | None = None

    def resources(self) -> dict[str, dict[str, str]]:
        """Return it as Kubernetes reads it."""
        return {
            "requests": {"cpu": f"{self.cpu_m}m", "memory": f"{self.memory_mib}Mi"},
            "limits": {"memory": f"{self.memory_limit_mib}Mi"},
        }


# Peaks of web and worker: 5 traces/s of 5 spans of 30 kB for 40 s. Web takes 973 MiB when idle.
WEB: Final = PodSize(
    cpu_m=200, memory_mib=1024, memory_limit_mib=1664, peak_mib=1335, heap_mib=1248
)
# The heap is a figure of its own: half a gigabyte of the peak are buffers outside of V8's heap, so
# a heap of 512 was killed at a limit of 1024 as well.
WORKER: Final = PodSize(
    cpu_m=150, memory_mib=768, memory_limit_mib=1472, peak_mib=1278, heap_mib=768
)
# The peak is max_server_memory_usage of clickhouse_overrides.xml.
CLICKHOUSE: Final = PodSize(cpu_m=300, memory_mib=1536, memory_limit_mib=2048, peak_mib=1536)
# Redis refuses writes when its data takes this much.
REDIS_MAXMEMORY_MIB: Final = 384
# What maxmemory leaves out: the process, fragmentation, and pages that are copied while a child
# rewrites the append-only file. An estimate.
_REDIS_OVERHEAD_MIB: Final = 64
REDIS: Final = PodSize(
    cpu_m=100,
    memory_mib=192,
    memory_limit_mib=512,
    peak_mib=REDIS_MAXMEMORY_MIB + _REDIS_OVERHEAD_MIB,
)
# Only with a public name. Both hold one route or one record, and little else.
TRAEFIK: Final = PodSize(cpu_m=50, memory_mib=64, memory_limit_mib=192)
EXTERNAL_DNS: Final = PodSize(cpu_m=10, memory_mib=48, memory_limit_mib=128)

# Pods by the names of messages: of every installation, and of the option of a public name.
CORE: Final = {"web": WEB, "worker": WORKER, "ClickHouse": CLICKHOUSE, "Redis": REDIS}
PUBLIC_NAME: Final = {"Traefik": TRAEFIK, "ExternalDNS": EXTERNAL_DNS}

# Memory requests in MiB of the EKS add-ons: ebs-csi-node on every node; two coredns (70 each) and
# two ebs-csi-controller (240 each) once per cluster.
SYSTEM_PER_NODE_MIB: Final = 120
SYSTEM_PER_CLUSTER_MIB: Final = 2 * 70 + 2 * 240

# GiB of memory by size: the T family has its own ladder, the others a fixed amount per vCPU.
_T_FAMILY_GIB: Final = {
    "micro": 1,
    "small": 2,
    "medium": 4,
    "large": 8,
    "xlarge": 16,
    "2xlarge": 32,
}
_GIB_PER_VCPU: Final = {"c": 2, "m": 4, "r": 8}
# What a node can give to pods: a t3.medium (4096 MiB) has 3276 MiB allocatable, 80 %. Larger types
# keep a larger share, so the rule errs on the safe side.
_ALLOCATABLE_SHARE: Final = 0.8

_INSTANCE_TYPE: Final = re.compile(
    r"(?P<family>[a-z]+)(?P<generation>\d)(?P<options>[a-z0-9-]*)\.(?P<size>[a-z0-9-]+)"
)


def is_instance_type(instance_type: str) -> bool:
    """Tell whether this has the form of an EC2 instance type, such as ``t3.medium``."""
    return _INSTANCE_TYPE.fullmatch(instance_type) is not None


def is_arm(instance_type: str) -> bool:
    """Tell whether this is a Graviton type: a ``g`` among the letters after the generation."""
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    return match is not None and "g" in match["options"].partition("-")[0]


def allocatable_mib(instance_type: str) -> int | None:
    """Return the memory in MiB that a node of this type can give to pods, or None if unknown."""
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    if match is None:
        return None
    gib: float | None = None
    if match["family"] == "t":
        gib = _T_FAMILY_GIB.get(match["size"])
    elif match["family"] in _GIB_PER_VCPU and (vcpus := _vcpus(match["size"])):
        gib = _GIB_PER_VCPU[match["family"]] * vcpus
    return None if gib is None else int(gib * 1024 * _ALLOCATABLE_SHARE)


def _vcpus(size: str) -> int | None:
    if size in {"large", "xlarge"}:
        return {"large": 2, "xlarge": 4}[size]
    multiple = re.fullmatch(r"(\d+)xlarge", size)
    return 4 * int(multiple[1]) if multiple else None


def shortage(node_count: int, instance_type: str, pods: Mapping[str, PodSize]) -> str | None:
    """Return the arithmetic by which the pods do not fit these nodes, or None if they do.

    An instance type whose memory is unknown is taken to fit.
    """
    allocatable = allocatable_mib(instance_type)
    if allocatable is None:
        return None
    free = allocatable - SYSTEM_PER_NODE_MIB
    requested = sum(size.memory_mib for size in pods.values()) + SYSTEM_PER_CLUSTER_MIB
    if node_count * free < requested:
        summands = " + ".join(f"{name} {size.memory_mib}" for name, size in pods.items())
        return (
            f"the pods request {requested} MiB ({summands} + system {SYSTEM_PER_CLUSTER_MIB}), but "
            f"{node_count} x {instance_type} hold {node_count * free} MiB "
            f"({node_count} x ({allocatable} allocatable - {SYSTEM_PER_NODE_MIB} system))"
        )
    # Web and worker share a node by rule, and are the largest group that does.
    together = WEB.memory_mib + WORKER.memory_mib
    if free < together:
        return (
            f"web and worker share a node and request {together} MiB "
            f"({WEB.memory_mib} + {WORKER.memory_mib}), but one {instance_type} holds {free} MiB "
            f"({allocatable} allocatable - {SYSTEM_PER_NODE_MIB} system)"
        )
    return None
