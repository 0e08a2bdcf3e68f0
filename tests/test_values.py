"""The chart's values: sizes, placement, and what is an item of the release."""

import re
import xml.etree.ElementTree as ET

import pytest

import sizing
from in_cluster import clickhouse
from tests.helpers.chart_values import (
    ALLOCATABLE,
    Values,
    chart_values,
    container,
    environment,
    item,
    mib,
    pods,
)
from tests.helpers.stack import Stack
from tests.helpers.synthesis import SynthesizeStack

# Queries at once that remain for people and verify.py.
FOR_PEOPLE = 8

SERVER = ET.fromstring(  # noqa: S314 - our own file
    clickhouse.server_configuration(sizing.CLICKHOUSE)
)

HOSTNAME = "kubernetes.io/hostname"
CLICKHOUSE = {"app.kubernetes.io/instance": "langfuse", "app.kubernetes.io/name": "clickhouse"}
WEB = {"app.kubernetes.io/instance": "langfuse", "app": "web"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("pod", "cpu", "request_mib", "limit_mib"),
    [
        ("web", "200m", 1024, 1664),
        ("worker", "150m", 768, 1472),
        ("clickhouse", "300m", 1536, 2048),
        ("redis", "100m", 192, 512),
    ],
)
def test_resources(values: Values, pod: str, cpu: str, request_mib: int, limit_mib: int) -> None:
    assert pods(values)[pod]["resources"] == {
        "requests": {"cpu": cpu, "memory": f"{request_mib}Mi"},
        "limits": {"memory": f"{limit_mib}Mi"},
    }


def test_limits_fill_78_and_95_per_cent_of_the_nodes(values: Values) -> None:
    limits = {pod: mib(each["resources"]["limits"]["memory"]) for pod, each in pods(values).items()}
    assert int(100 * (limits["clickhouse"] + limits["redis"]) / ALLOCATABLE) == 78
    assert int(100 * (limits["web"] + limits["worker"]) / ALLOCATABLE) == 95


NODES = {
    "web": [sizing.WEB, sizing.WORKER],
    "data": [sizing.CLICKHOUSE, sizing.REDIS],
    "data, with a public name": [
        sizing.CLICKHOUSE,
        sizing.REDIS,
        sizing.TRAEFIK,
        sizing.EXTERNAL_DNS,
    ],
}
# The larger half of what there is once a cluster: a coredns and an ebs-csi-controller.
HALF_THE_SYSTEM = sizing.SYSTEM_PER_CLUSTER_MIB // 2


@pytest.mark.parametrize("node", NODES)
def test_limits_and_peaks_fit_the_node(node: str) -> None:
    """All pods at their limits, or at their peaks with the system's own pods beside them."""
    free = ALLOCATABLE - sizing.SYSTEM_PER_NODE_MIB
    assert sum(size.memory_limit_mib for size in NODES[node]) <= free
    assert peaks(node) <= free


@pytest.mark.parametrize("node", NODES)
def test_peaks_fit_an_arm_node(node: str) -> None:
    allocatable = sizing.allocatable_mib("t4g.medium") or 0
    assert peaks(node) <= allocatable - sizing.SYSTEM_PER_NODE_MIB < ALLOCATABLE


def peaks(node: str) -> int:
    """Return the memory of all pods at their peaks, and of the system's own beside them, in MiB."""
    pods = [size.peak_mib or size.memory_limit_mib for size in NODES[node]]
    return sum(pods) + HALF_THE_SYSTEM


@pytest.mark.parametrize("size", [sizing.WEB, sizing.WORKER, sizing.CLICKHOUSE, sizing.REDIS])
def test_limit_is_a_tenth_above_the_peak(size: sizing.PodSize) -> None:
    assert size.peak_mib
    assert size.memory_limit_mib >= 1.1 * size.peak_mib
    assert size.memory_mib <= size.peak_mib


def test_allocatable_is_that_of_a_t3_medium() -> None:
    assert sizing.allocatable_mib("t3.medium") == ALLOCATABLE


def test_heap_leaves_room_in_the_container(values: Values) -> None:
    heaps = {pod: environment(values, pod)["NODE_OPTIONS"] for pod in ("web", "worker")}
    assert heaps == {"web": "--max-old-space-size=1248", "worker": "--max-old-space-size=768"}
    for size in (sizing.WEB, sizing.WORKER):
        assert size.heap_mib
        assert size.heap_mib <= size.memory_limit_mib * 3 // 4


def test_clickhouse_takes_more_queries_than_web_and_worker_open(values: Values) -> None:
    """Or it refuses; people and verify.py have some as well."""
    opened = [
        int(environment(values, pod)["CLICKHOUSE_MAX_OPEN_CONNECTIONS"])
        for pod in ("web", "worker")
    ]
    assert opened == [12, 12]
    assert int(SERVER.findtext("max_concurrent_queries", "0")) >= sum(opened) + FOR_PEOPLE


def test_worker_keeps_rows_for_ten_minutes(values: Values) -> None:
    """At one write a second, which is Langfuse's default; web writes no rows."""
    attempts = "LANGFUSE_INGESTION_CLICKHOUSE_MAX_ATTEMPTS"
    assert int(environment(values, "worker")[attempts]) >= 10 * 60
    interval = "LANGFUSE_INGESTION_CLICKHOUSE_WRITE_INTERVAL_MS"
    assert interval not in environment(values, "worker")
    assert attempts not in environment(values, "web")


def test_redis_refuses_before_it_is_killed(values: Values) -> None:
    redis = container(values, "redis")
    assert redis["args"][2:6] == ["--maxmemory", "384mb", "--maxmemory-policy", "noeviction"]
    assert mib(redis["resources"]["limits"]["memory"]) > 384


@pytest.mark.parametrize("pod", ["web", "worker"])
def test_web_and_worker_never_share_a_node_with_clickhouse(values: Values, pod: str) -> None:
    (term,) = values["langfuse"][pod]["pod"]["affinity"]["podAntiAffinity"][REQUIRED]
    assert term == {"labelSelector": {"matchLabels": CLICKHOUSE}, "topologyKey": HOSTNAME}


@pytest.mark.parametrize("pod", ["web", "worker"])
def test_web_and_worker_leave_the_zone_of_the_volumes_to_clickhouse(
    values: Values, pod: str
) -> None:
    affinity = values["langfuse"][pod]["pod"]["affinity"]
    assert set(affinity) == {"podAntiAffinity", "nodeAffinity"}
    (preferred,) = affinity["nodeAffinity"][PREFERRED]
    (rule,) = preferred["preference"]["matchExpressions"]
    assert (rule["key"], rule["operator"]) == ("topology.kubernetes.io/zone", "NotIn")
    assert rule["values"] == ["${local.network_data_zone}"]


def test_redis_prefers_clickhouse_and_avoids_web(values: Values) -> None:
    affinity = pods(values)["redis"]["affinity"]
    (near,) = affinity["podAffinity"][PREFERRED]
    (far,) = affinity["podAntiAffinity"][PREFERRED]
    assert near["podAffinityTerm"]["labelSelector"]["matchLabels"] == CLICKHOUSE
    assert far["podAffinityTerm"]["labelSelector"]["matchLabels"] == WEB


def test_pods_with_a_volume_may_displace_web(values: Values) -> None:
    priority = item(values, "PriorityClass", "langfuse-data")
    assert priority["value"] > 0
    assert priority["globalDefault"] is False
    named = {pod: each.get("priorityClassName") for pod, each in pods(values).items()}
    assert named == {
        "web": None,
        "worker": None,
        "clickhouse": "langfuse-data",
        "redis": "langfuse-data",
    }


def test_pods_with_a_volume_live_where_a_single_node_would(
    values: Values, network: Stack, public: dict[str, Stack]
) -> None:
    """A volume cannot leave its zone: with one node, in the first subnet, it must be in that."""
    traefik = chart_values(public["app"], "traefik")
    for pod in (pods(values)["clickhouse"], pods(values)["redis"], traefik):
        (term,) = pod["affinity"]["nodeAffinity"][REQUIRED]["nodeSelectorTerms"]
        (rule,) = term["matchExpressions"]
        assert (rule["key"], rule["operator"]) == ("topology.kubernetes.io/zone", "In")
        assert rule["values"] == ["${local.network_data_zone}"]
    zones = network.module("terraform-aws-modules/vpc/aws")["azs"]
    (names,) = re.findall(r"slice\((\S+), 0, 2\)", zones)
    assert network.outputs["data_zone"]["value"] == f"${{element({names}, 0)}}"


@pytest.mark.parametrize(
    ("pod", "claim", "size"),
    [("clickhouse", "langfuse-clickhouse", "20Gi"), ("redis", "langfuse-redis", "2Gi")],
)
def test_claims_are_items_of_the_release(values: Values, pod: str, claim: str, size: str) -> None:
    """Claims of a StatefulSet's own would outlive the release and leak their volumes."""
    assert "volumeClaimTemplates" not in values["extraManifests"][pod]["spec"]
    volumes = [each.get("persistentVolumeClaim") for each in pods(values)[pod]["volumes"]]
    assert {"claimName": claim} in volumes
    spec = item(values, "PersistentVolumeClaim", claim)["spec"]
    assert spec["storageClassName"] == "langfuse-gp3"
    assert spec["resources"] == {"requests": {"storage": size}}
    assert spec["accessModes"] == ["ReadWriteOnce"]


def test_claim_sizes_are_settings(synthesize_stack: SynthesizeStack) -> None:
    lines = {"CLICKHOUSE_STORAGE_GB": "50", "REDIS_STORAGE_GB": "4"}
    values = chart_values(synthesize_stack("app", **lines))
    for claim, size in (("langfuse-clickhouse", "50Gi"), ("langfuse-redis", "4Gi")):
        spec = item(values, "PersistentVolumeClaim", claim)["spec"]
        assert spec["resources"]["requests"]["storage"] == size


def test_storage_class(values: Values) -> None:
    storage = item(values, "StorageClass", "langfuse-gp3")
    assert storage["provisioner"] == "ebs.csi.aws.com"
    assert storage["parameters"]["type"] == "gp3"
    assert storage["parameters"]["encrypted"] == "true"
    assert storage["parameters"]["tagSpecification_1"] == "Project=langfuse"
    assert storage["volumeBindingMode"] == "WaitForFirstConsumer"
    assert storage["allowVolumeExpansion"] is True
    assert storage["reclaimPolicy"] == "Delete"


def test_web_and_worker_have_few_rights(values: Values) -> None:
    """The chart has these for both; the uid is that of the images, whose user is a name."""
    pod = values["langfuse"]["podSecurityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"]) == (True, 1001)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert values["langfuse"]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


def test_migrations_are_not_killed(values: Values) -> None:
    assert values["langfuse"]["web"]["livenessProbe"]["initialDelaySeconds"] == 300
    assert values["langfuse"]["deployment"]["strategy"]["rollingUpdate"]["maxSurge"] == 0


def test_sign_up_and_telemetry_are_off(values: Values, every_variable: dict[str, Stack]) -> None:
    features = {"telemetryEnabled": False, "signUpDisabled": True}
    assert values["langfuse"]["features"] == features
    opened = chart_values(every_variable["app"])
    assert opened["langfuse"]["features"] == {**features, "signUpDisabled": False}


def test_image_and_url(values: Values, synthesize_stack: SynthesizeStack) -> None:
    assert values["langfuse"]["image"]["tag"] == "3.225.11"
    assert values["langfuse"]["nextauth"]["url"] == "http://localhost:3000"
    public = chart_values(synthesize_stack("app", LANGFUSE_URL="https://langfuse.example.com"))
    assert public["langfuse"]["nextauth"]["url"] == "https://langfuse.example.com"


def test_clickhouse_stays_within_its_container() -> None:
    limit = sizing.CLICKHOUSE.memory_limit_mib * 2**20
    assert int(SERVER.findtext("max_server_memory_usage", "0")) == limit * 3 // 4
    assert sizing.CLICKHOUSE.peak_mib == sizing.CLICKHOUSE.memory_limit_mib * 3 // 4
    caches = [int(each.text or 0) for each in SERVER if each.tag.endswith("cache_size")]
    assert len(caches) == 8
    assert sum(caches) < limit // 4


def test_clickhouse_log_tables_are_off_or_forget() -> None:
    logs = {each.tag: each for each in SERVER if each.tag.endswith("_log") or "queue" in each.tag}
    assert {"trace_log", "text_log", "metric_log", "asynchronous_metric_log"} <= set(logs)
    kept = {name for name, log in logs.items() if log.get("remove") != "1"}
    assert kept == {"query_log", "crash_log"}
    for name in kept:
        assert re.search(r"INTERVAL \d+ DAY DELETE", logs[name].findtext("ttl", ""))
