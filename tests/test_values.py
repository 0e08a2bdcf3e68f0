"""The chart's values: sizes, placement, and what is an item of the release."""

import xml.etree.ElementTree as ET
from typing import Any

import pytest

import sizing
from constructs_lib.langfuse_values import CLICKHOUSE_OVERRIDES
from tests.conftest import SynthesizeStack, chart_values
from tests.stack import Stack

Values = dict[str, Any]

# What a t3.medium can give to pods, in MiB.
ALLOCATABLE = 3276

HOSTNAME = "kubernetes.io/hostname"
CLICKHOUSE = {"app.kubernetes.io/instance": "langfuse", "app.kubernetes.io/name": "clickhouse"}
WEB = {"app.kubernetes.io/instance": "langfuse", "app": "web"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


def mib(quantity: str) -> int:
    assert quantity.endswith("Mi")
    return int(quantity.removesuffix("Mi"))


def pods(values: Values) -> dict[str, Values]:
    return {
        "web": values["langfuse"]["web"],
        "worker": values["langfuse"]["worker"],
        "clickhouse": values["clickhouse"],
        "redis": values["redis"]["primary"],
    }


def item(values: Values, kind: str, name: str) -> Values:
    (found,) = [
        each
        for each in values["extraManifests"]
        if (each["kind"], each["metadata"]["name"]) == (kind, name)
    ]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("pod", "cpu", "request_mib", "limit_mib"),
    [
        ("web", "200m", 1024, 2048),
        ("worker", "150m", 640, 1024),
        ("clickhouse", "300m", 1536, 2048),
        ("redis", "100m", 192, 512),
    ],
)
def test_resources(values: Values, pod: str, cpu: str, request_mib: int, limit_mib: int) -> None:
    assert pods(values)[pod]["resources"] == {
        "requests": {"cpu": cpu, "memory": f"{request_mib}Mi"},
        "limits": {"memory": f"{limit_mib}Mi"},
    }


def test_limits_fill_78_and_93_per_cent_of_the_nodes(values: Values) -> None:
    limits = {pod: mib(each["resources"]["limits"]["memory"]) for pod, each in pods(values).items()}
    assert int(100 * (limits["clickhouse"] + limits["redis"]) / ALLOCATABLE) == 78
    assert int(100 * (limits["web"] + limits["worker"]) / ALLOCATABLE) == 93


def test_heap_leaves_room_in_the_container(values: Values) -> None:
    heaps = {
        pod: next(
            each["value"]
            for each in values["langfuse"][pod]["pod"]["additionalEnv"]
            if each["name"] == "NODE_OPTIONS"
        )
        for pod in ("web", "worker")
    }
    assert heaps == {"web": "--max-old-space-size=1536", "worker": "--max-old-space-size=768"}


def test_web_never_shares_a_node_with_clickhouse(values: Values) -> None:
    (term,) = values["langfuse"]["web"]["pod"]["affinity"]["podAntiAffinity"][REQUIRED]
    assert term == {"labelSelector": {"matchLabels": CLICKHOUSE}, "topologyKey": HOSTNAME}


def test_worker_goes_where_web_is(values: Values) -> None:
    affinity = values["langfuse"]["worker"]["pod"]["affinity"]
    assert set(affinity) == {"podAffinity"}
    (term,) = affinity["podAffinity"][REQUIRED]
    assert term == {"labelSelector": {"matchLabels": WEB}, "topologyKey": HOSTNAME}


def test_redis_prefers_clickhouse_and_avoids_web(values: Values) -> None:
    affinity = values["redis"]["primary"]["affinity"]
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


def test_one_node_needs_no_rules(one_node: dict[str, Stack]) -> None:
    values = chart_values(one_node["app"])
    assert not [pod for pod, each in pods(values).items() if "affinity" in each.get("pod", each)]


@pytest.mark.parametrize(
    ("chart", "claim", "size"),
    [("clickhouse", "langfuse-clickhouse", "20Gi"), ("redis", "langfuse-redis", "2Gi")],
)
def test_claims_are_items_of_the_release(values: Values, chart: str, claim: str, size: str) -> None:
    """Claims of a StatefulSet's own would outlive the release and leak their volumes."""
    assert pods(values)[chart]["persistence"] == {"existingClaim": claim}
    spec = item(values, "PersistentVolumeClaim", claim)["spec"]
    assert spec["storageClassName"] == "langfuse-gp3" == values["global"]["defaultStorageClass"]
    assert spec["resources"] == {"requests": {"storage": size}}
    assert spec["accessModes"] == ["ReadWriteOnce"]


def test_claim_sizes_are_settings(every_variable: dict[str, Stack]) -> None:
    values = chart_values(every_variable["app"])
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


def test_migrations_are_not_killed(values: Values) -> None:
    assert values["langfuse"]["web"]["livenessProbe"]["initialDelaySeconds"] == 300
    assert values["langfuse"]["deployment"]["strategy"]["rollingUpdate"]["maxSurge"] == 0


def test_sign_up_and_telemetry_are_off(values: Values, every_variable: dict[str, Stack]) -> None:
    features = {"telemetryEnabled": False, "signUpDisabled": True}
    assert values["langfuse"]["features"] == features
    opened = chart_values(every_variable["app"])
    assert opened["langfuse"]["features"] == {**features, "signUpDisabled": False}


def test_image_and_url(values: Values, synthesize_stack: SynthesizeStack) -> None:
    assert values["langfuse"]["image"]["tag"] == "3.225.4"
    assert values["langfuse"]["nextauth"]["url"] == "http://localhost:3000"
    public = chart_values(synthesize_stack("app", LANGFUSE_URL="https://langfuse.example.com"))
    assert public["langfuse"]["nextauth"]["url"] == "https://langfuse.example.com"


def test_clickhouse_stays_within_its_container(values: Values) -> None:
    overrides = ET.fromstring(values["clickhouse"]["extraOverrides"])  # noqa: S314 - our own file
    limit = sizing.CLICKHOUSE.memory_limit_mib * 2**20
    assert int(overrides.findtext("max_server_memory_usage", "0")) == limit * 3 // 4
    caches = [int(each.text or 0) for each in overrides if each.tag.endswith("cache_size")]
    assert len(caches) == 3
    assert sum(caches) < limit // 4


def test_clickhouse_log_tables_are_off_or_forget() -> None:
    overrides = ET.fromstring(CLICKHOUSE_OVERRIDES.read_text(encoding="utf-8"))  # noqa: S314
    logs = {each.tag: each for each in overrides if each.tag.endswith("_log")}
    assert {"trace_log", "text_log", "metric_log", "asynchronous_metric_log"} <= set(logs)
    for name, log in logs.items():
        assert log.get("remove") == "1" or (name == "query_log" and log.findtext("ttl"))
