"""MONITORING=grafana: metrics are kept, with dashboards."""

import json
import xml.etree.ElementTree as ET
from typing import Final

import pytest

import sizing
from in_cluster import clickhouse
from in_cluster.monitoring_pods import FORWARD
from in_cluster.monitoring_values import STORAGE_GB
from pricing.bill import bill
from tests.helpers.chart_values import Values, chart_values, container, item
from tests.helpers.checkout import ROOT
from tests.helpers.synthesis import Stacks, WithOptions

RELEASE: Final = "langfuse-monitoring"
PROGRAMS: Final = ("metrics", "exporter", "grafana")


@pytest.fixture(scope="module")
def monitored(with_options: WithOptions) -> Stacks:
    return with_options("monitoring")


@pytest.fixture(scope="module")
def manifests(monitored: Stacks) -> Values:
    found: Values = chart_values(monitored["app"], RELEASE)["manifests"]
    return found


def spec(manifests: Values, program: str) -> Values:
    found: Values = manifests[program]["spec"]["template"]["spec"]
    return found


def only_container(manifests: Values, program: str) -> Values:
    (found,) = spec(manifests, program)["containers"]
    assert isinstance(found, dict)
    return found


# --- Off and on


def test_without_it_nothing_is_made(stacks: Stacks) -> None:
    for stack in stacks.values():
        for word in ("monitoring", "grafana", "9363", "clickhouse_metrics"):
            assert word not in stack.text


def test_only_clickhouse_changes_in_langfuse_s_release(values: Values, monitored: Stacks) -> None:
    there = chart_values(monitored["app"])
    before, after = values["extraManifests"], there["extraManifests"]
    changed = {name for name in after if after[name] != before.get(name)}
    assert changed == {"clickhouse", "clickhouseConfiguration", "clickhouseService"}
    assert {**there, "extraManifests": before} == values


def test_clickhouse_tells_its_metrics_where_they_are_asked_for(monitored: Stacks) -> None:
    there = chart_values(monitored["app"])
    file = item(there, "ConfigMap", "langfuse-clickhouse")["data"]["clickhouse_metrics.xml"]
    told = ET.fromstring(file)  # noqa: S314 - our own
    assert told.findtext("prometheus/port") == "9363"
    mounts = {each["mountPath"] for each in container(there, "clickhouse")["volumeMounts"]}
    assert "/etc/clickhouse-server/config.d/metrics.xml" in mounts
    ports = item(there, "Service", "langfuse-clickhouse")["spec"]["ports"]
    assert {"name": "metrics", "port": 9363, "targetPort": "metrics"} in ports
    assert clickhouse.METRICS.read_text(encoding="utf-8") == file


def test_release_is_made_last_and_destroyed_first(monitored: Stacks) -> None:
    """Its volume is of Langfuse's StorageClass, and its exporter's passwords of its Secret."""
    release = monitored["app"].resource("helm_release", RELEASE)
    assert release["depends_on"] == ["helm_release.langfuse"]
    assert monitored["app"].outputs["how_to_see_the_dashboards"]["value"] == FORWARD


def test_no_password_is_made(stacks: Stacks, monitored: Stacks) -> None:
    """Nobody logs in to Grafana, and the exporter's passwords are Langfuse's."""
    made = [each["app"].json["resource"]["random_password"] for each in (stacks, monitored)]
    assert made[0] == made[1]
    assert "set_wo" not in monitored["app"].resource("helm_release", RELEASE)


# --- Room


@pytest.mark.parametrize(
    ("nodes", "instance_type", "fits"),
    [(2, "t3.medium", False), (2, "t4g.large", True), (2, "t3.large", True)],
)
def test_room(nodes: int, instance_type: str, *, fits: bool) -> None:
    pods = sizing.core(3) | sizing.MONITORING
    found = sizing.crowding(nodes, instance_type, pods)
    assert (found is None) is fits
    # What each may take at most, however little it asks for.
    most = sum(size.peak_mib or size.memory_limit_mib for size in pods.values()) + 620
    assert fits or f"the pods take up to {most} MiB (web 1335 + worker 1278 + " in str(found)


def test_room_of_unknown_types_is_not_judged() -> None:
    assert sizing.crowding(1, "x9.large", sizing.core(3) | sizing.MONITORING) is None


def test_requests_alone_would_have_fitted() -> None:
    """What refuses two t3.medium is what the pods may come to, not what they ask for."""
    assert sizing.shortage(2, "t3.medium", sizing.core(3) | sizing.MONITORING) is None


# --- Pods


@pytest.mark.parametrize("program", PROGRAMS)
def test_pod_has_few_rights(manifests: Values, program: str) -> None:
    pod, found = spec(manifests, program), only_container(manifests, program)
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert found["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert manifests[program]["spec"]["strategy"] == {"type": "Recreate"}


def test_only_victoria_metrics_has_a_token(manifests: Values) -> None:
    tokens = {
        program
        for program in PROGRAMS
        if "serviceAccountToken" in json.dumps(spec(manifests, program))
    }
    assert tokens == {"metrics"}
    assert [rule["resources"] for rule in manifests["metricsRole"]["rules"]] == [
        ["nodes"],
        ["nodes/metrics"],
    ]
    verbs = [rule["verbs"] for rule in manifests["metricsRole"]["rules"]]
    assert verbs == [["get", "list", "watch"], ["get"]]


@pytest.mark.parametrize("program", PROGRAMS)
def test_service_leads_to_the_pod(manifests: Values, program: str) -> None:
    service = manifests[f"{program}Service"]["spec"]
    labels = manifests[program]["spec"]["template"]["metadata"]["labels"]
    assert service["selector"] == labels == manifests[program]["spec"]["selector"]["matchLabels"]
    (port,) = service["ports"]
    (opened,) = only_container(manifests, program)["ports"]
    assert (port["targetPort"], port["port"]) == (opened["name"], opened["containerPort"])


def test_volume_goes_with_the_release(manifests: Values) -> None:
    claim = manifests["metricsClaim"]
    assert claim["spec"]["resources"]["requests"]["storage"] == f"{STORAGE_GB}Gi"
    assert "annotations" not in claim["metadata"]
    (data,) = [each for each in spec(manifests, "metrics")["volumes"] if each["name"] == "data"]
    assert data["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]


def test_mounts_are_of_configmaps_that_are_there(manifests: Values) -> None:
    there = {
        each["metadata"]["name"]: set(each["data"])
        for each in manifests.values()
        if each["kind"] == "ConfigMap"
    }
    for program in PROGRAMS:
        volumes = {each["name"]: each for each in spec(manifests, program)["volumes"]}
        mounted = {each["name"] for each in only_container(manifests, program)["volumeMounts"]}
        assert mounted == set(volumes)
        for volume in volumes.values():
            if found := volume.get("configMap"):
                keys = {each["key"] for each in found.get("items", ())}
                assert keys <= there[found["name"]]


def test_new_dashboard_restarts_grafana(with_options: WithOptions, monitored: Stacks) -> None:
    """It reads them at its start; what a price changes is a new dashboard too."""

    def checksum(stacks: Stacks, program: str) -> str:
        found = chart_values(stacks["app"], RELEASE)["manifests"][program]
        annotations: dict[str, str] = found["spec"]["template"]["metadata"]["annotations"]
        return annotations.get("checksum/configuration", "")

    other = with_options("monitoring", "own_clickhouse")
    assert checksum(other, "grafana") != checksum(monitored, "grafana")
    assert checksum(other, "exporter") == checksum(monitored, "exporter") != ""


def test_grafana_asks_nobody_outside(manifests: Values) -> None:
    given = {each["name"]: each["value"] for each in only_container(manifests, "grafana")["env"]}
    assert given["GF_AUTH_ANONYMOUS_ENABLED"] == given["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    assert given["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert given["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    (home,) = [path for name, path in given.items() if name.endswith("HOME_DASHBOARD_PATH")]
    assert home.removeprefix("/dashboards/") in manifests["dashboards"]["data"]


# --- Price and pages


def test_price(stacks: Stacks, monitored: Stacks) -> None:
    """Of the pods themselves, a volume; the larger nodes are the rest of it."""
    before, after = (
        {each.what for each in bill({"app": of["app"].json})} for of in (stacks, monitored)
    )
    assert before < after
    (new,) = [each for each in bill({"app": monitored["app"].json}) if each.what not in before]
    assert new.what == f"{STORAGE_GB} GB gp3 volumes"
    assert new.up == pytest.approx(0.4)


def test_page_has_the_price(stacks: Stacks, monitored: Stacks) -> None:
    before, after = (
        sum(each.up or 0 for each in bill({name: stack.json for name, stack in of.items()}))
        for of in (stacks, monitored)
    )
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    assert f"| two t3.large | {after:.2f} | {after - before:.2f} |" in page


def test_page_names_every_object_that_is_made(manifests: Values) -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text(encoding="utf-8")
    for name in {each["metadata"]["name"] for each in manifests.values()}:
        assert f"`{name}`" in page
    assert FORWARD in page
