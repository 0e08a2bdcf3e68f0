"""Dashboards on a running installation: switched on and off, and destroyed with it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from in_cluster.monitoring_values import STORAGE_GB
from in_cluster.names import NAMESPACE, VICTORIA_METRICS, VICTORIA_METRICS_PORT
from tests.helpers.chart_values import mib
from tests.helpers.network_policy import ADMITTED, PORTS, Pod, admits
from tests.rehearsal.conftest import lacks
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.stand_ins import victoria_metrics
from tests.rehearsal.stand_ins.cluster_objects import T3_LARGE, ZONES
from tests.rehearsal.stand_ins.control_plane import ControlPlane, ControlPlaneError
from tests.rehearsal.stand_ins.victoria_metrics import VictoriaMetrics
from tests.rehearsal.test_app import items
from tests.rehearsal.test_https import ready_pods
from tests.rehearsal.test_resize import replace_nodes

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

OF_LANGFUSE = {"web", "worker", "clickhouse", "redis"}
OF_MONITORING = {"victoria-metrics", "grafana", "metrics-exporter"}
SERVICES = {
    "langfuse-victoria-metrics": 8428,
    "langfuse-grafana": 3000,
    "langfuse-metrics-exporter": 9400,
}
ACCOUNT = f"system:serviceaccount:{NAMESPACE}:{VICTORIA_METRICS}"


def pods(plane: ControlPlane) -> dict[str, str]:
    """Return the uid of each workload's pod, by what it is."""
    return {
        each["metadata"]["name"].rsplit("-", 2)[0]: each["metadata"]["uid"]
        for each in items(plane, "pods")
    }


def wait_for(plane: ControlPlane, roles: set[str]) -> dict[str, str]:
    """Wait until exactly these pods are ready, and return their nodes."""
    wait_until(lambda: set(ready_pods(plane)) == roles and len(items(plane, "pods")) == len(roles))
    return ready_pods(plane)


def cluster_wide(plane: ControlPlane) -> list[str]:
    """Return what the release has outside the namespace."""
    found = plane.kubectl("get", "clusterroles,clusterrolebindings", "--output=name").split()
    return [name for name in found if VICTORIA_METRICS in name]


def clickhouse_ports(plane: ControlPlane) -> set[int]:
    (store,) = [
        each
        for each in items(plane, "statefulsets")
        if each["metadata"]["name"] == "langfuse-clickhouse"
    ]
    (container,) = store["spec"]["template"]["spec"]["containers"]
    return {each["containerPort"] for each in container["ports"]}


def test_two_t3_medium_are_refused(environment: Environment) -> None:
    """Where the nodes have no room, the deploy ends before it begins, with the arithmetic."""
    environment.stand_in_for_network()
    environment.stand_in_for_deps()
    installation = environment.installation
    installation.change_env(MONITORING="grafana")
    said = " ".join(installation.run(*installation.cdktf("deploy", "app"), status=1).split())
    assert "MONITORING, NODE_COUNT, NODE_INSTANCE_TYPE: with dashboards the pods take up to" in said
    assert environment.cloud.state("langfuse-app").get("resources", []) == []
    installation.change_env(MONITORING=None)


def test_langfuse_runs_without_it(environment: Environment, plane: ControlPlane) -> None:
    """On two t3.large, an installation without the option has its four pods, and none more."""
    replace_nodes(plane, plane.add_nodes(2, T3_LARGE, zones=ZONES))
    environment.installation.change_env(NODE_INSTANCE_TYPE="t3.large")
    environment.installation.deploy("app")
    wait_for(plane, OF_LANGFUSE)
    assert clickhouse_ports(plane) == {8123, 9000}
    assert cluster_wide(plane) == []


def test_switched_on(environment: Environment, plane: ControlPlane) -> None:
    """Three pods come; of Langfuse's, ClickHouse alone restarts, and no plan has a difference.

    Cannot prove: that the images can be pulled, and that the programs start.
    """
    before = pods(plane)
    environment.installation.change_env(MONITORING="grafana")
    environment.installation.deploy("app")
    wait_for(plane, OF_LANGFUSE | OF_MONITORING)
    assert clickhouse_ports(plane) == {8123, 9000, 9363}
    after = pods(plane)
    for workload in ("langfuse-web", "langfuse-worker"):
        assert after[workload] == before[workload]
    environment.installation.assert_nothing_to_do("app")


def test_pods_are_placed(plane: ControlPlane) -> None:
    """VictoriaMetrics and Grafana are on ClickHouse's node, the exporter is where its image is.

    All limits together are less than each node has for pods.
    """
    nodes = ready_pods(plane)
    assert nodes["victoria-metrics"] == nodes["grafana"] == nodes["clickhouse"]
    assert nodes["metrics-exporter"] == nodes["worker"] != nodes["clickhouse"]
    limits: dict[str, int] = {}
    for pod in items(plane, "pods"):
        for container in pod["spec"]["containers"]:
            node = pod["spec"]["nodeName"]
            limits[node] = limits.get(node, 0) + mib(container["resources"]["limits"]["memory"])
    assert max(limits.values()) < mib(T3_LARGE.allocatable["memory"])


def test_volume_is_bound(plane: ControlPlane) -> None:
    """Metrics have a volume of the project's StorageClass, in ClickHouse's zone.

    Cannot prove: that EBS makes and attaches it.
    """
    (claim,) = items(plane, "pvc", f"--field-selector=metadata.name={VICTORIA_METRICS}")
    assert claim["status"]["phase"] == "Bound"
    assert claim["spec"]["storageClassName"] == "langfuse-gp3"
    assert claim["spec"]["resources"]["requests"]["storage"] == f"{STORAGE_GB}Gi"


def test_services_lead_to_ports(plane: ControlPlane) -> None:
    """Each Service has a ready endpoint at its port, Grafana's that of the page's port-forward."""
    for name, port in SERVICES.items():
        slices = items(plane, "endpointslices", "-l", f"kubernetes.io/service-name={name}")
        leading = [
            (target["port"], each["addresses"])
            for found in slices
            for target in found["ports"]
            for each in found["endpoints"]
            if each["conditions"]["ready"]
        ]
        assert [where for where, _ in leading] == [port]


def test_network_policies_admit_these_only(plane: ControlPlane) -> None:
    """Beside what Langfuse admits, metrics are asked for, and nothing reaches Grafana.

    Cannot prove: that the VPC add-on enforces them.
    """
    rules = items(plane, "networkpolicies")
    every = {
        name: Pod(pod["metadata"]["labels"], NAMESPACE)
        for pod in items(plane, "pods")
        for name in [role_of(pod)]
    }
    ports = (*PORTS, *SERVICES.values(), 9363)
    found = {
        (client, server, port)
        for client in every
        for server in every
        for port in ports
        if admits(rules, every[client], every[server], port)
    }
    assert found == {each for each in ADMITTED if each[0] != "backup"} | {
        ("victoria-metrics", "clickhouse", 9363),
        ("victoria-metrics", "metrics-exporter", 9400),
        ("metrics-exporter", "clickhouse", 8123),
        ("metrics-exporter", "redis", 6379),
        ("grafana", "victoria-metrics", VICTORIA_METRICS_PORT),
    }


def role_of(pod: dict[str, Any]) -> str:
    labels: dict[str, str] = pod["metadata"]["labels"]
    name = labels["app.kubernetes.io/name"].removeprefix("langfuse-")
    return labels.get("app", {"valkey": "redis"}.get(name, name))


def test_account_finds_nodes_and_reads_their_metrics(plane: ControlPlane) -> None:
    """VictoriaMetrics' account may list nodes and read kubelets' metrics; no pods, no proxy."""

    def may(*what: str) -> bool:
        try:
            plane.kubectl("auth", "can-i", *what, f"--as={ACCOUNT}")
        except ControlPlaneError:
            return False
        return True

    assert may("list", "nodes")
    assert may("watch", "nodes")
    assert may("get", "nodes", "--subresource=metrics")
    for subresource in ("proxy", "log", "stats"):
        assert not may("get", "nodes", f"--subresource={subresource}")
    for what in ("pods", "secrets", "configmaps"):
        assert not may("list", what, f"--namespace={NAMESPACE}")


@pytest.fixture
def scraping(
    request: pytest.FixtureRequest, plane: ControlPlane, tmp_path: Path
) -> Iterator[VictoriaMetrics]:
    """Yield VictoriaMetrics with the configuration and the account of its pod."""
    if victoria_metrics.is_missing():
        lacks(request, f"{victoria_metrics.PROGRAM} is not on PATH")
    (found,) = items(plane, "configmaps", f"--field-selector=metadata.name={VICTORIA_METRICS}")
    configuration = yaml.safe_load(found["data"]["scrape.yaml"])
    token = plane.kubectl("create", "token", VICTORIA_METRICS, f"--namespace={NAMESPACE}").strip()
    files = {"token": token, "ca.crt": plane.ca_pem}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    # In a pod, these are in the environment and in the mounted account.
    api = {
        "api_server": plane.endpoint,
        "authorization": {"credentials_file": str(tmp_path / "token")},
        "tls_config": {"ca_file": str(tmp_path / "ca.crt")},
    }
    for job in configuration["scrape_configs"]:
        if "kubernetes_sd_configs" in job:
            job["kubernetes_sd_configs"] = [{**job["kubernetes_sd_configs"][0], **api}]
            job.update({name: value for name, value in api.items() if name != "api_server"})
    file = tmp_path / "scrape.yaml"
    file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
    with VictoriaMetrics(tmp_path, f"-promscrape.config={file}") as program:
        yield program


def test_nodes_are_found(plane: ControlPlane, scraping: VictoriaMetrics) -> None:
    """VictoriaMetrics itself takes the configuration, and finds both nodes by its account.

    Cannot prove: that a real kubelet answers, whose certificate EKS signs.
    """

    def targets() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = scraping.get("/api/v1/targets")["activeTargets"]
        return found

    wait_until(lambda: len(targets()) == 3 + 2 * 2, seconds=60)
    asked = {(each["labels"]["job"], each["labels"].get("node")) for each in targets()}
    of_nodes = {(job, node) for job in ("kubelet", "cadvisor") for node in plane.nodes()}
    assert asked == of_nodes | {
        ("victoria-metrics", None),
        ("langfuse", None),
        ("clickhouse", None),
    }
    urls = {each["scrapeUrl"] for each in targets() if each["labels"]["job"] == "cadvisor"}
    assert len(urls) == 2
    assert all(re.fullmatch(r"https://10[.\d]+:10250/metrics/cadvisor", url) for url in urls)


def test_switched_off(environment: Environment, plane: ControlPlane) -> None:
    """Without the option, pods, volume and rights are gone, and ClickHouse is as before."""
    environment.installation.change_env(MONITORING="none")
    environment.installation.deploy("app")
    wait_for(plane, OF_LANGFUSE)
    assert clickhouse_ports(plane) == {8123, 9000}
    wait_until(lambda: len(items(plane, "pvc")) == 2)
    assert cluster_wide(plane) == []
    kinds = "services,configmaps,serviceaccounts,networkpolicies,deployments,secrets"
    named = {each["metadata"]["name"] for each in items(plane, kinds)}
    assert {name for name in named if "metrics" in name or "grafana" in name} == set()
    environment.installation.assert_nothing_to_do("app")


def test_destroy_leaves_nothing(environment: Environment, plane: ControlPlane) -> None:
    """Switched on again and destroyed, no claim, volume, pod or right is left."""
    environment.installation.change_env(MONITORING="grafana")
    environment.installation.deploy("app")
    wait_for(plane, OF_LANGFUSE | OF_MONITORING)
    said = environment.installation.destroy("app")
    assert said.index("helm_release.langfuse-monitoring: Destruction complete") < said.index(
        "helm_release.langfuse: Destroying"
    )
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert cluster_wide(plane) == []
    assert json.loads(plane.kubectl("get", "pv", "-o", "json"))["items"] == []
