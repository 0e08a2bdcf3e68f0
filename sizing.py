"""Resources of the pods: requests, limits and measured peaks, and whether the nodes can hold them.

The peaks were measured on Langfuse 3.225.4 under load (2026-11-25). The sizes are for a small
installation: Langfuse's guide recommends twice as much. In MiB, on two t3.medium (each 3276
allocatable, 120 of them for system pods):

=================  ==================  ==================  ====
node               peaks               limits              free
=================  ==================  ==================  ====
web, worker        1335 + 1278 = 2613  1664 + 1472 = 3136  3156
ClickHouse, Redis  1536 +  448 = 1984  2048 +  512 = 2560  3156
=================  ==================  ==================  ====

With Redis in ElastiCache, the second node has ClickHouse alone: 2048 MiB. With a ClickHouse of the
user's own the others go where there is room; one node holds what they request, and not their peaks
(docs/costs.md, One node).

The Job of a backup runs beside web and worker for minutes: peaks of 2613 + 256 = 2869 MiB.

With alarms, a Job of 128 MiB runs there too, for seconds: 2997 MiB.
With dashboards, the sum of all peaks must fit, and of limits where no peak was measured
(``crowding``): on two t3.medium it does not.

With a public hostname, Traefik and ExternalDNS are on the second node too: limits of 2560 + 320 =
2880 MiB; with SECRETS=external its operator: 128 MiB more.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class PodSize:
    """Resources of one pod."""

    cpu_m: int
    """CPU request, in millicores."""
    memory_mib: int
    """Memory request, in MiB."""
    memory_limit_mib: int
    """Memory limit, in MiB."""
    peak_mib: int | None = None
    """Highest memory use, measured or enforced by the program, in MiB; None if unknown."""
    heap_mib: int | None = None
    """Size of V8's old space, in MiB; None for programs other than Node.js."""

    def resources(self) -> dict[str, dict[str, str]]:
        """Return the ``resources`` of a container."""
        return {
            "requests": {"cpu": f"{self.cpu_m}m", "memory": f"{self.memory_mib}Mi"},
            "limits": {"memory": f"{self.memory_limit_mib}Mi"},
        }


# Peaks of web and worker: 5 traces/s of 5 spans of 30 kB for 40 s. Idle, web uses 973 MiB.
WEB: Final = PodSize(
    cpu_m=200, memory_mib=1024, memory_limit_mib=1664, peak_mib=1335, heap_mib=1248
)
# The heap is not a share of the limit: half a gigabyte of the peak is buffers outside V8's heap. A
# worker with a heap of 512 MiB was killed at a limit of 1024 MiB too.
WORKER: Final = PodSize(
    cpu_m=150, memory_mib=768, memory_limit_mib=1472, peak_mib=1278, heap_mib=768
)
# ClickHouse keeps to its peak itself: max_server_memory_usage (in_cluster/clickhouse_server.xml).
CLICKHOUSE: Final = PodSize(cpu_m=300, memory_mib=1536, memory_limit_mib=2048, peak_mib=1536)


@dataclass(frozen=True, kw_only=True)
class LineSizes:
    """Sizes that differ between major versions of Langfuse."""

    web: PodSize
    worker: PodSize
    clickhouse: PodSize


# By the major version. Those of 4 are of a public installation of 4.53.0, whose web was killed at
# 1024 MiB, and were not measured here (docs/adr/0026-langfuse-4.md).
LINES: Final[Mapping[int, LineSizes]] = {
    3: LineSizes(web=WEB, worker=WORKER, clickhouse=CLICKHOUSE),
    4: LineSizes(
        web=PodSize(cpu_m=200, memory_mib=1280, memory_limit_mib=2048, heap_mib=1536),
        worker=PodSize(cpu_m=150, memory_mib=768, memory_limit_mib=1024, heap_mib=512),
        clickhouse=PodSize(cpu_m=300, memory_mib=1920, memory_limit_mib=2560, peak_mib=1920),
    ),
}

# Redis rejects writes when its data takes this much memory.
REDIS_MAXMEMORY_MIB: Final = 384
# Memory that maxmemory does not count, an estimate: the process, fragmentation, and pages copied
# while a child process rewrites the append-only file.
_REDIS_OVERHEAD_MIB: Final = 64
REDIS: Final = PodSize(
    cpu_m=100,
    memory_mib=192,
    memory_limit_mib=512,
    peak_mib=REDIS_MAXMEMORY_MIB + _REDIS_OVERHEAD_MIB,
)
# A Job, which runs for minutes; an estimate, of Node with the SDK of S3 and a client of Redis.
BACKUP: Final = PodSize(cpu_m=50, memory_mib=96, memory_limit_mib=256, heap_mib=128)
# An init container of web and worker, gone before they start; an estimate, of Node alone.
WAIT: Final = PodSize(cpu_m=10, memory_mib=64, memory_limit_mib=128)
# Only with alarms: a Job, which runs for seconds every five minutes; measured with Node 24 and the
# SDK of CloudWatch (2026-11-28), it takes 78 MiB for them.
METRICS: Final = PodSize(cpu_m=10, memory_mib=32, memory_limit_mib=128, peak_mib=78, heap_mib=48)
# Only with a public hostname. One has a single route, the other a single record.
TRAEFIK: Final = PodSize(cpu_m=50, memory_mib=64, memory_limit_mib=192)
EXTERNAL_DNS: Final = PodSize(cpu_m=10, memory_mib=48, memory_limit_mib=128)
# Only with SECRETS=external; an estimate, of an operator that looks at one namespace.
EXTERNAL_SECRETS: Final = PodSize(cpu_m=10, memory_mib=64, memory_limit_mib=128)


def core(major: int, *, clickhouse: bool = True, redis: bool = True) -> dict[str, PodSize]:
    """Return the pods of every installation, by their names in messages.

    Args:
        major: major version of Langfuse.
        clickhouse: whether ClickHouse is in the cluster.
        redis: whether Redis is.

    """
    line = LINES[major]
    return {
        "web": line.web,
        "worker": line.worker,
        **({"ClickHouse": line.clickhouse} if clickhouse else {}),
        **({"Redis": REDIS} if redis else {}),
        "backup": BACKUP,
    }


# Pods of a public hostname.
PUBLIC_NAME: Final = {"Traefik": TRAEFIK, "ExternalDNS": EXTERNAL_DNS}
# The pod of SECRETS=external.
OF_EXTERNAL_SECRETS: Final = {"External Secrets Operator": EXTERNAL_SECRETS}

# Only with dashboards. VictoriaMetrics keeps its caches below three fifths of its limit; see
# docs/adr/0036-dashboards.md for what was measured. Grafana's are an estimate.
VICTORIA_METRICS: Final = PodSize(cpu_m=50, memory_mib=128, memory_limit_mib=384)
GRAFANA: Final = PodSize(cpu_m=50, memory_mib=192, memory_limit_mib=512)
METRICS_EXPORTER: Final = PodSize(cpu_m=20, memory_mib=96, memory_limit_mib=160, heap_mib=32)
MONITORING: Final = {
    "VictoriaMetrics": VICTORIA_METRICS,
    "Grafana": GRAFANA,
    "metrics exporter": METRICS_EXPORTER,
}

# Type of a NAT instance: up to 5 Gbit/s for minutes, 32 Mbit/s for long (EC2, "General purpose").
NAT_INSTANCE_TYPE: Final = "t4g.nano"

# Memory requests of the EKS add-ons, in MiB: ebs-csi-node on every node; two coredns (70 each) and
# two ebs-csi-controller (240 each) per cluster.
SYSTEM_PER_NODE_MIB: Final = 120
SYSTEM_PER_CLUSTER_MIB: Final = 2 * 70 + 2 * 240

# GiB of memory: by size in the T family, by vCPU in the C, M and R families.
_T_FAMILY_GIB: Final = {
    "nano": 0.5,
    "micro": 1,
    "small": 2,
    "medium": 4,
    "large": 8,
    "xlarge": 16,
    "2xlarge": 32,
}
_GIB_PER_VCPU: Final = {"c": 2, "m": 4, "r": 8}
# Allocatable share of a node's memory: 3276 of 4096 MiB on a t3.medium, 80 %. Larger types have a
# larger share, so the result is never too high for them.
_ALLOCATABLE_SHARE: Final = 0.8
# Memory of a Graviton node that its kernel keeps for contiguous allocations
# (aws/karpenter-provider-aws#3940).
_ARM_RESERVED_MIB: Final = 64

_INSTANCE_TYPE: Final = re.compile(
    r"(?P<family>[a-z]+)(?P<generation>\d)(?P<options>[a-z0-9-]*)\.(?P<size>[a-z0-9-]+)"
)


def is_instance_type(instance_type: str) -> bool:
    """Return whether this has the form of an EC2 instance type, such as ``t3.medium``."""
    return _INSTANCE_TYPE.fullmatch(instance_type) is not None


def is_arm(instance_type: str) -> bool:
    """Return whether this is a Graviton type: a ``g`` among the letters after the generation."""
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    return match is not None and "g" in match["options"].partition("-")[0]


def allocatable_mib(instance_type: str) -> int | None:
    """Return the allocatable memory of a node of this type in MiB, or None if unknown."""
    match = _INSTANCE_TYPE.fullmatch(instance_type)
    if match is None:
        return None
    gib: float | None = None
    if match["family"] == "t":
        gib = _T_FAMILY_GIB.get(match["size"])
    elif match["family"] in _GIB_PER_VCPU and (vcpus := _vcpus(match["size"])):
        gib = _GIB_PER_VCPU[match["family"]] * vcpus
    if gib is None:
        return None
    reserved = _ARM_RESERVED_MIB if is_arm(instance_type) else 0
    return int(gib * 1024 * _ALLOCATABLE_SHARE) - reserved


def _vcpus(size: str) -> int | None:
    if size in {"medium", "large", "xlarge"}:
        return {"medium": 1, "large": 2, "xlarge": 4}[size]
    multiple = re.fullmatch(r"(\d+)xlarge", size)
    return 4 * int(multiple[1]) if multiple else None


def shortage(node_count: int, instance_type: str, pods: Mapping[str, PodSize]) -> str | None:
    """Return why the pods do not fit on the nodes, with the arithmetic, or None if they fit.

    If the memory of the instance type is unknown, the pods are assumed to fit.

    Args:
        node_count: number of nodes.
        instance_type: EC2 type of the nodes.
        pods: sizes by the names of the pods, as those of ``core``.

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
            f"{_held(node_count, instance_type, allocatable)}"
        )
    # On two nodes, web and worker share the node without ClickHouse (in_cluster/placement.py). They
    # fit there if the sum above fits, of which they are less than half. On more nodes each pod can
    # have a node of its own, so the largest one decides.
    largest = max(pods, key=lambda name: pods[name].memory_mib)
    if free < pods[largest].memory_mib:
        return (
            f"{largest} requests {pods[largest].memory_mib} MiB, but one {instance_type} holds "
            f"{free} MiB ({allocatable} allocatable - {SYSTEM_PER_NODE_MIB} system)"
        )
    return None


def crowding(node_count: int, instance_type: str, pods: Mapping[str, PodSize]) -> str | None:
    """Return why the pods may exhaust the nodes' memory, with the arithmetic, or None if not.

    Pods that look after others must not be what these are killed for: each counts by its peak, or
    by its limit where no peak is known. If the memory of the instance type is unknown, they are
    assumed to fit.

    Args:
        node_count: number of nodes.
        instance_type: EC2 type of the nodes.
        pods: sizes by the names of the pods.

    """
    allocatable = allocatable_mib(instance_type)
    if allocatable is None:
        return None
    most = {name: size.peak_mib or size.memory_limit_mib for name, size in pods.items()}
    taken = sum(most.values()) + SYSTEM_PER_CLUSTER_MIB
    free = allocatable - SYSTEM_PER_NODE_MIB
    if taken <= node_count * free:
        return None
    summands = " + ".join(f"{name} {mib}" for name, mib in most.items())
    return (
        f"the pods take up to {taken} MiB ({summands} + system {SYSTEM_PER_CLUSTER_MIB}), but "
        f"{_held(node_count, instance_type, allocatable)}"
    )


def _held(node_count: int, instance_type: str, allocatable: int) -> str:
    return (
        f"{node_count} x {instance_type} hold {node_count * (allocatable - SYSTEM_PER_NODE_MIB)} "
        f"MiB ({node_count} x ({allocatable} allocatable - {SYSTEM_PER_NODE_MIB} system))"
    )
