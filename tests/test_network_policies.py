"""NetworkPolicies of the release: who may connect to whom, with and without a public hostname."""

import re
from itertools import product
from typing import Final

import pytest
import yaml

from tests.helpers.chart_values import STORES, Values, chart_values
from tests.helpers.checkout import ROOT
from tests.helpers.network_policy import (
    ADMITTED,
    PORTS,
    SERVERS,
    TRAEFIK_TO_WEB,
    Pod,
    Policy,
    admits,
    connections,
    selects,
)
from tests.helpers.synthesis import Stacks

# Labels of pods by the charts' templates; the rehearsal compares them with pods of a cluster.
LABELS: Final = {
    "web": {"app.kubernetes.io/name": "langfuse", "app.kubernetes.io/instance": "langfuse"}
    | {"app.kubernetes.io/component": "web", "app": "web"},
    "worker": {"app.kubernetes.io/name": "langfuse", "app.kubernetes.io/instance": "langfuse"}
    | {"app.kubernetes.io/component": "worker", "app": "worker"},
    "traefik": {
        "app.kubernetes.io/name": "traefik",
        "app.kubernetes.io/instance": "traefik-langfuse",
    },
    "external-dns": {
        "app.kubernetes.io/name": "external-dns",
        "app.kubernetes.io/instance": "external-dns",
    },
    "backup": {"app.kubernetes.io/name": "langfuse-backup"},
    "foreign": {"app": "agent"},
}
DNS: Final = Pod({"k8s-app": "kube-dns"}, "kube-system")
OUTSIDE: Final = Pod({}, None)


def policies(values: Values) -> dict[str, Policy]:
    return {
        key: each
        for key, each in values["extraManifests"].items()
        if each.get("kind") == "NetworkPolicy"
    }


def pods(values: Values) -> dict[str, Pod]:
    labels = {name: dict(each) for name, each in LABELS.items()}
    for name in STORES:
        template = values["extraManifests"][name]["spec"]["template"]
        labels[name] = template["metadata"]["labels"]
    return {name: Pod(each, "langfuse") for name, each in labels.items()}


def test_only_these_connections_are_admitted(values: Values, public: Stacks) -> None:
    assert connections(policies(values).values(), pods(values)) == ADMITTED
    with_name = chart_values(public["app"])
    assert connections(policies(with_name).values(), pods(with_name)) == {
        *ADMITTED,
        TRAEFIK_TO_WEB,
    }


def test_same_labels_in_another_namespace_admit_nobody(public: Stacks) -> None:
    values = chart_values(public["app"])
    every, rules = pods(values), policies(values).values()
    strangers = {name: Pod(pod.labels, "default") for name, pod in every.items()}
    assert not [
        (stranger, server, port)
        for stranger, server, port in product(strangers, SERVERS, PORTS)
        if admits(rules, strangers[stranger], every[server], port)
    ]


def test_clickhouse_reaches_dns_and_https_only(values: Values) -> None:
    clickhouse, rules = pods(values)["clickhouse"], policies(values).values()
    for protocol in ("TCP", "UDP"):
        assert {port for port in PORTS if admits(rules, clickhouse, DNS, port, protocol)} == (
            {53, 443} if protocol == "TCP" else {53}
        )
    assert {port for port in PORTS if admits(rules, clickhouse, OUTSIDE, port)} == {443}


def test_redis_reaches_nothing(values: Values) -> None:
    redis, rules = pods(values)["redis"], policies(values).values()
    targets = [*pods(values).values(), DNS, OUTSIDE]
    assert not [
        (target, port) for target in targets for port in PORTS if admits(rules, redis, target, port)
    ]


@pytest.mark.parametrize("client", ["web", "worker"])
def test_web_and_worker_reach_everything_outside(values: Values, client: str) -> None:
    pod, rules = pods(values)[client], policies(values).values()
    assert all(admits(rules, pod, target, port) for target in (DNS, OUTSIDE) for port in PORTS)


def test_page_admits_another_namespace_to_web(values: Values) -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(extraManifests:.*?)```", page, re.DOTALL)
    rules = [*policies(values).values(), *yaml.safe_load(example)["extraManifests"]]
    agent, every = Pod({}, "agents"), pods(values)
    assert {
        (server, port)
        for server, port in product(SERVERS, PORTS)
        if admits(rules, agent, every[server], port)
    } == {("web", 3000)}


def test_each_policy_selects_one_pod(public: Stacks) -> None:
    values = chart_values(public["app"])
    selected = {
        key: [name for name, pod in pods(values).items() if selects(policy, pod, home="langfuse")]
        for key, policy in policies(values).items()
    }
    assert selected == {f"{name}NetworkPolicy": [name] for name in SERVERS}


def test_ports_are_those_of_services(values: Values) -> None:
    """The VPC CNI wants the ports of a Service and of its container to be the same."""
    for name in STORES:
        service = values["extraManifests"][f"{name}Service"]["spec"]
        rule = policies(values)[f"{name}NetworkPolicy"]["spec"]["ingress"][0]
        assert [each["port"] for each in rule["ports"]] == [
            each["port"] for each in service["ports"]
        ]
