"""Eight days of metrics of an installation that is not there: two t4g.large with a busy worker.

Made up, but of the names, labels and kinds that the real sources have; the same in each run.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from in_cluster.names import NAMESPACE
from in_cluster.queues import QUEUES

END: Final = int(datetime(2026, 11, 27, 18, tzinfo=UTC).timestamp())
STEP: Final = 120
# A day more than is shown, of which the first rates are.
DAYS: Final = 8
START: Final = END - DAYS * 86400

_GIB: Final = 2**30
_MIB: Final = 2**20
# Jobs a second of the queues that have some, at noon.
_RATES: Final = {
    "otel-ingestion-queue": 12.0,
    "ingestion-queue": 3.0,
    "trace-upsert": 4.0,
    "create-eval-queue": 0.4,
    "evaluation-execution-queue": 0.3,
}
# Events of ClickHouse a second, at noon.
_EVENTS: Final = {
    "InsertedRows": 110.0,
    "InsertedBytes": 900_000.0,
    "MergedUncompressedBytes": 4_000_000.0,
    "SelectedRows": 60_000.0,
    "SelectQuery": 4.0,
    "SelectQueryTimeMicroseconds": 4.0 * 45_000,
    "InsertQuery": 1.5,
    "InsertQueryTimeMicroseconds": 1.5 * 30_000,
    "FailedQuery": 0.0,
    "QueryMemoryLimitExceeded": 0.0,
}

# The value at a time, in seconds since 1970.
Curve = Callable[[float], float]
Series = tuple[str, Mapping[str, str], Curve]

NODES: Final = ("ip-10-0-0-10.ec2.internal", "ip-10-0-16-11.ec2.internal")
# Each pod: its container and node, MiB at night and by day, its limit, and processors at noon.
_CONTAINERS: Final = {
    "langfuse-web-5d9c7f6b8b-x2x7k": ("langfuse-web", 1, 990, 1290, 1664, 0.35),
    "langfuse-worker-7c6d5b9f4d-9k4wq": ("langfuse-worker", 1, 520, 1010, 1472, 0.75),
    "langfuse-clickhouse-0": ("clickhouse", 0, 900, 1480, 2048, 0.55),
    "langfuse-redis-master-0": ("valkey", 0, 30, 90, 512, 0.05),
    "langfuse-victoria-metrics-5555555555-vvvvv": ("victoria-metrics", 0, 110, 150, 384, 0.03),
    "langfuse-grafana-58f7c6d9b4-tq8zj": ("grafana", 0, 170, 210, 512, 0.02),
    "langfuse-metrics-exporter-5555555555-mmmmm": ("metrics-exporter", 1, 58, 64, 160, 0.01),
}
# Each table and each claim: GiB at the end, and of a day's growth; of a claim before them its size.
_TABLES: Final = {"observations": (7.4, 0.36), "traces": (1.1, 0.03), "scores": (0.3, 0.01)}
_CLAIMS: Final = {
    "langfuse-clickhouse": (20, 9.6, 0.45),
    "langfuse-redis": (2, 0.12, 0.0),
    "langfuse-victoria-metrics": (5, 0.3, 0.02),
}


def load(when: float) -> float:
    """Return how busy it is, from 0.1 at night to 1 at noon, and less on days without work."""
    day = datetime.fromtimestamp(when, UTC)
    hour = day.hour + day.minute / 60
    workday = 1.0 if day.weekday() < 5 else 0.25  # noqa: PLR2004 - Saturday
    wave = max(0.0, math.sin((hour - 6) / 14 * math.pi)) if 6 < hour < 20 else 0.0  # noqa: PLR2004
    ripple = 0.06 * math.sin(when / 2600) + 0.04 * math.sin(when / 1100)
    return 0.1 + workday * 0.85 * wave + ripple * (0.3 + wave)


def _jam(when: float) -> float:
    """Return the share of a jam that there is: an hour of the last afternoon, and its end."""
    hours = (when - (END - 4 * 3600)) / 3600
    if 0 <= hours < 1:
        return hours
    return max(0.0, 1 - (hours - 1) / 0.7) if hours >= 1 else 0.0


def _steady(value: float) -> Curve:
    return lambda _: value


def _busy(idle: float, more: float) -> Curve:
    """Return what takes ``more`` the busier it is."""
    return lambda when: idle + more * min(1.0, load(when))


def _whole(curve: Curve) -> Curve:
    return lambda when: float(round(curve(when)))


def _sum(one: Curve, other: Curve) -> Curve:
    return lambda when: one(when) + other(when)


def _times(factor: float, curve: Curve) -> Curve:
    return lambda when: factor * curve(when)


def _total(rate: Curve) -> Curve:
    """Return a counter of what comes at a rate per second, from the start on."""
    sums = [0.0]
    for when in range(START, END, STEP):
        sums.append(sums[-1] + max(0.0, rate(when)) * STEP)
    return lambda when: sums[int(when - START) // STEP]


def _grown(gib: float, a_day: float) -> Curve:
    """Return bytes that come to so many GiB, and grow by so many a day."""
    return lambda when: _GIB * (gib - a_day * (END - when) / 86400)


def series() -> Iterator[Series]:
    """Yield the series."""
    yield from _up()
    yield from _queues()
    yield from _stores()
    yield from _clickhouse()
    yield from _pods()
    yield from _machines()
    yield from _volumes()


def _up() -> Iterator[Series]:
    targets = [
        ("victoria-metrics", "127.0.0.1:8428"),
        ("langfuse", "langfuse-metrics-exporter:9400"),
        *((job, node) for job in ("kubelet", "cadvisor") for node in NODES),
        ("clickhouse", "langfuse-clickhouse:9363"),
    ]
    for job, instance in targets:
        yield "up", {"job": job, "instance": instance}, _steady(1)
    for store in ("redis", "clickhouse"):
        yield "langfuse_store_up", {"store": store}, _steady(1)


def _queues() -> Iterator[Series]:
    for queue in QUEUES:
        rate = _RATES.get(queue, 0.0)
        jammed = queue == "otel-ingestion-queue"
        jam = _times(9000 if jammed else 0, _jam)
        states = {
            "waiting": _whole(_sum(_busy(0, 4 * rate), jam)),
            "active": _whole(_busy(0, rate)),
            "delayed": _steady(2 if rate else 0),
            "failed": _steady(3 if queue == "evaluation-execution-queue" else 0),
        }
        for state, curve in states.items():
            yield "langfuse_queue_jobs", {"queue": queue, "state": state}, curve
        named = {"queue": queue}
        yield "langfuse_queue_added_total", named, _total(_busy(0, rate))
        old = _sum(_busy(min(1.0, rate), min(2.0, rate)), _times(740 if jammed else 0, _jam))
        yield "langfuse_queue_oldest_seconds", named, old


def _stores() -> Iterator[Series]:
    for table, (gib, a_day) in _TABLES.items():
        size = _grown(gib, a_day)
        yield "langfuse_table_bytes", {"table": table}, size
        yield "langfuse_table_rows", {"table": table}, _whole(_times(1 / 400, size))
    yield "redis_memory_used_bytes", {}, _sum(_busy(14 * _MIB, 20 * _MIB), _times(60 * _MIB, _jam))
    yield "redis_memory_max_bytes", {}, _steady(384 * _MIB)
    yield "redis_connected_clients", {}, _steady(60)
    yield "redis_commands_processed_total", {}, _total(_busy(0, 900))
    yield "redis_evicted_keys_total", {}, _steady(0)
    yield "redis_uptime_in_seconds", {}, lambda when: when - START + 86400


def _clickhouse() -> Iterator[Series]:
    for event, rate in _EVENTS.items():
        yield f"ClickHouseProfileEvents_{event}", {}, _total(_busy(0, rate))
    memory = _busy(620 * _MIB, 640 * _MIB)
    resident = _sum(memory, _steady(160 * _MIB))
    yield "ClickHouseMetrics_MemoryTracking", {}, memory
    yield "ClickHouseAsyncMetrics_MemoryResident", {}, resident
    yield "ClickHouseMetrics_Merge", {}, _whole(_busy(0, 3))
    yield "ClickHouseAsyncMetrics_MaxPartCountForPartition", {}, _whole(_busy(12, 20))


def _pods() -> Iterator[Series]:
    for pod, (container, node, idle, most, limit, processors) in _CONTAINERS.items():
        of_pod = {"namespace": NAMESPACE, "pod": pod, "node": NODES[node]}
        labels = {**of_pod, "container": container}
        memory = _busy(idle * _MIB, (most - idle) * _MIB)
        yield "container_memory_working_set_bytes", labels, memory
        yield "container_spec_memory_limit_bytes", labels, _steady(limit * _MIB)
        yield "container_cpu_usage_seconds_total", labels, _total(_busy(0, processors))
        yield "container_start_time_seconds", labels, _steady(START - 86400)
        network = {**of_pod, "interface": "eth0"}
        for direction, rate in (("receive", 240_000), ("transmit", 180_000)):
            sent = _total(_busy(0, rate * processors))
            yield f"container_network_{direction}_bytes_total", network, sent


def _machines() -> Iterator[Series]:
    for node, used, processors, disk in ((NODES[0], 3100, 0.75, 9.5), (NODES[1], 2900, 1.2, 10.5)):
        whole = {"id": "/", "node": node}
        yield "container_memory_working_set_bytes", whole, _busy(used * _MIB, 900 * _MIB)
        yield "container_cpu_usage_seconds_total", whole, _total(_busy(0.15, processors))
        of_disk = {**whole, "device": "/dev/nvme0n1p1"}
        yield "container_fs_limit_bytes", of_disk, _steady(20 * _GIB)
        yield "container_fs_usage_bytes", of_disk, _grown(disk, 0.05)
        yield "machine_memory_bytes", {"node": node}, _steady(7871 * _MIB)
        yield "machine_cpu_cores", {"node": node}, _steady(2)


def _volumes() -> Iterator[Series]:
    for claim, (gib, used, a_day) in _CLAIMS.items():
        labels = {"namespace": NAMESPACE, "persistentvolumeclaim": claim}
        grown, size = _grown(used, a_day), _steady(gib * _GIB)
        yield "kubelet_volume_stats_capacity_bytes", labels, size
        yield "kubelet_volume_stats_used_bytes", labels, grown
        yield "kubelet_volume_stats_available_bytes", labels, _sum(size, _times(-1, grown))


def lines() -> Iterator[str]:
    """Yield every sample, in Prometheus' format with its time in milliseconds."""
    for name, labels, curve in series():
        given = ",".join(f'{label}="{text}"' for label, text in labels.items())
        for when in range(START, END + 1, STEP):
            yield f"{name}{{{given}}} {curve(when):.12g} {when * 1000}"
