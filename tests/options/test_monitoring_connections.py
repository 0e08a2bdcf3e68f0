"""MONITORING=grafana: who asks whom, in the cluster and elsewhere."""

from itertools import product
from typing import Final

import pytest
import yaml

from tests.helpers.chart_values import Values, chart_values
from tests.helpers.network_policy import PORTS, Pod, admits
from tests.helpers.stack import Stack
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


def exporter_environment(app: Stack) -> dict[str, str | None]:
    manifests = chart_values(app, RELEASE)["manifests"]
    (container,) = manifests["exporter"]["spec"]["template"]["spec"]["containers"]
    return {each["name"]: each.get("value") for each in container["env"]}


def pods_of(manifests: Values, langfuse: Values) -> dict[str, Pod]:
    found = {
        program: manifests[program]["spec"]["template"]["metadata"]["labels"]
        for program in PROGRAMS
    }
    for store in ("clickhouse", "redis"):
        if store in langfuse["extraManifests"]:
            template = langfuse["extraManifests"][store]["spec"]["template"]
            found[store] = template["metadata"]["labels"]
    found["foreign"] = {"app": "agent"}
    return {name: Pod(labels, "langfuse") for name, labels in found.items()}


def connections(app: Stack) -> set[tuple[str, str, int]]:
    manifests, langfuse = chart_values(app, RELEASE)["manifests"], chart_values(app)
    every = [*manifests.values(), *langfuse["extraManifests"].values()]
    rules = [each for each in every if each.get("kind") == "NetworkPolicy"]
    pods = pods_of(manifests, langfuse)
    ports = (*PORTS, 8428, 9363, 9400)
    return {
        (client, server, port)
        for client, server, port in product(pods, pods, ports)
        if server != "foreign" and admits(rules, pods[client], pods[server], port)
    }


FROM_EXPORTER: Final = {("exporter", "clickhouse", 8123), ("exporter", "redis", 6379)}
OTHERS: Final = {
    ("metrics", "clickhouse", 9363),
    ("metrics", "exporter", 9400),
    ("grafana", "metrics", 8428),
}


def test_only_these_connections_are_admitted(monitored: Stacks) -> None:
    assert connections(monitored["app"]) == FROM_EXPORTER | OTHERS


def test_elsewhere_only_the_exporter_asks(with_options: WithOptions) -> None:
    """What runs outside the cluster tells what it says to a client, and nothing more."""
    app = with_options("monitoring", "own_clickhouse")["app"]
    assert connections(app) == {each for each in FROM_EXPORTER | OTHERS if each[1] != "clickhouse"}
    manifests = chart_values(app, RELEASE)["manifests"]
    assert exporter_environment(app)["CLICKHOUSE_URL"] == (
        "https://clickhouse.example.com:8443/?database=default"
    )
    rules = [each for each in manifests.values() if each["kind"] == "NetworkPolicy"]
    exporter, outside = pods_of(manifests, chart_values(app))["exporter"], Pod({}, None)
    assert {port for port in (443, 6379, 8123, 8443) if admits(rules, exporter, outside, port)} == {
        8443
    }
    scraped = yaml.safe_load(manifests["metricsConfiguration"]["data"]["scrape.yaml"])
    assert "clickhouse" not in {job["job_name"] for job in scraped["scrape_configs"]}


def test_redis_in_elasticache_is_asked_with_tls(with_options: WithOptions) -> None:
    app = with_options("monitoring", "elasticache")["app"]
    manifests = chart_values(app, RELEASE)["manifests"]
    given = exporter_environment(app)
    assert (given["REDIS_HOST"], given["REDIS_TLS"]) == ("${local.deps_redis_host}", "1")
    rules = [each for each in manifests.values() if each["kind"] == "NetworkPolicy"]
    exporter = pods_of(manifests, chart_values(app))["exporter"]
    assert admits(rules, exporter, Pod({}, None), 6379)


def test_targets_are_services_of_the_installation(manifests: Values, monitored: Stacks) -> None:
    scraped = yaml.safe_load(manifests["metricsConfiguration"]["data"]["scrape.yaml"])
    there = {"127.0.0.1:8428"} | {
        f"{each['metadata']['name']}:{port['port']}"
        for each in (
            *manifests.values(),
            *chart_values(monitored["app"])["extraManifests"].values(),
        )
        if each.get("kind") == "Service"
        for port in each["spec"]["ports"]
    }
    targets = {
        target
        for job in scraped["scrape_configs"]
        for group in job.get("static_configs", ())
        for target in group["targets"]
    }
    assert targets <= there
    assert len(targets) == 3
