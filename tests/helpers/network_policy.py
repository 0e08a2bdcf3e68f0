"""Evaluates NetworkPolicies as Kubernetes defines them, as far as the project uses them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final

Policy = Mapping[str, Any]

# A connection: the client's name, the server's, and the port.
Connection = tuple[str, str, int]

NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"

# Ports of the pods and of what they connect to, and two that nobody uses.
PORTS: Final = (53, 80, 443, 3000, 3030, 5432, 6379, 8000, 8123, 9000, 9009)
SERVERS: Final = ("web", "worker", "clickhouse", "redis")
# Every connection between pods that is admitted; with a public hostname, Traefik's as well.
ADMITTED: Final = {
    *product(("web", "worker"), ("clickhouse",), (8123, 9000)),
    *product(("web", "worker", "backup"), ("redis",), (6379,)),
    ("backup", "clickhouse", 8123),
}
TRAEFIK_TO_WEB: Final = ("traefik", "web", 3000)


@dataclass(frozen=True)
class Pod:
    """A pod, or with a namespace of None an address outside the cluster."""

    labels: Mapping[str, str]
    namespace: str | None


def admits(
    policies: Iterable[Policy], client: Pod, server: Pod, port: int, protocol: str = "TCP"
) -> bool:
    """Return whether the client may connect: its egress rules and the server's ingress rules."""
    found = [*policies]
    return _allowed(found, client, server, "egress", (port, protocol)) and _allowed(
        found, server, client, "ingress", (port, protocol)
    )


def connections(policies: Iterable[Policy], pods: Mapping[str, Pod]) -> set[Connection]:
    """Return the connections to ``SERVERS`` that are admitted, by the names of the pods."""
    found = [*policies]
    return {
        (client, server, port)
        for client, server, port in product(pods, SERVERS, PORTS)
        if admits(found, pods[client], pods[server], port)
    }


def selects(policy: Policy, pod: Pod, *, home: str) -> bool:
    """Return whether a policy of the namespace ``home`` applies to the pod."""
    return pod.namespace == home and _matches(policy["spec"]["podSelector"], pod.labels)


def _allowed(
    policies: list[Policy], pod: Pod, peer: Pod, direction: str, port: tuple[int, str]
) -> bool:
    restricting = [
        policy["spec"]
        for policy in policies
        if direction.capitalize() in policy["spec"]["policyTypes"]
        and selects(policy, pod, home="langfuse")
    ]
    return not restricting or any(
        _matches_rule(rule, "from" if direction == "ingress" else "to", peer, port)
        for spec in restricting
        # The API server drops an empty list.
        for rule in spec.get(direction, [])
    )


def _matches_rule(rule: Mapping[str, Any], key: str, peer: Pod, port: tuple[int, str]) -> bool:
    assert set(rule) <= {key, "ports"}
    ports = [(each["port"], each["protocol"]) for each in rule.get("ports", [])]
    return (not ports or port in ports) and (
        key not in rule or any(_matches_peer(each, peer) for each in rule[key])
    )


def _matches_peer(selector: Mapping[str, Any], peer: Pod) -> bool:
    assert set(selector) <= {"podSelector", "namespaceSelector"}
    if peer.namespace is None:
        return False
    namespace = selector.get("namespaceSelector", {"matchLabels": {NAMESPACE_LABEL: "langfuse"}})
    return _matches(namespace, {NAMESPACE_LABEL: peer.namespace}) and _matches(
        selector.get("podSelector", {}), peer.labels
    )


def _matches(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    assert set(selector) <= {"matchLabels"}
    wanted: Mapping[str, str] = selector.get("matchLabels", {})
    return wanted.items() <= labels.items()
