"""NetworkPolicies: which pods may connect to which (docs/adr/0024-network-policies.md).

The node's kubelet is always admitted, so probes need no rule, and neither do port-forwards, which
enter the network namespace of the pod.
"""

from collections.abc import Sequence
from typing import Any, Final

from in_cluster.names import (
    BACKUP,
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    CLICKHOUSE_NATIVE_PORT,
    CLICKHOUSE_PROGRAM,
    COMPONENT_LABEL,
    INSTANCE_LABEL,
    NAME_LABEL,
    REDIS,
    REDIS_PORT,
    REDIS_PROGRAM,
    RELEASE,
    TRAEFIK,
    WEB,
    WEB_COMPONENT,
    WEB_PORT,
    WORKER,
    WORKER_COMPONENT,
)


def in_release(label: str, value: str) -> dict[str, dict[str, str]]:
    """Return a selector of pods of Langfuse's release by one more label."""
    return {"matchLabels": {INSTANCE_LABEL: RELEASE, label: value}}


_WEB: Final = in_release(COMPONENT_LABEL, WEB_COMPONENT)
_WORKER: Final = in_release(COMPONENT_LABEL, WORKER_COMPONENT)
_CLICKHOUSE: Final = in_release(NAME_LABEL, CLICKHOUSE_PROGRAM)
_REDIS: Final = in_release(NAME_LABEL, REDIS_PROGRAM)
# Traefik's chart appends the namespace to the release in the instance label.
_TRAEFIK: Final = {"matchLabels": {NAME_LABEL: TRAEFIK}}
# Of another release.
_BACKUP: Final = {"matchLabels": {NAME_LABEL: BACKUP}}

# Peers and ports of the cluster's name server.
DNS: Final = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
}


def network_policies(*, public: bool, clickhouse: bool, redis: bool) -> dict[str, dict[str, Any]]:
    """Return the policies, each by a key.

    Web and worker may connect to anything: PostgreSQL, ElastiCache, S3, providers of models and the
    users' webhooks are at addresses that no policy can list.

    Args:
        public: whether Traefik connects to web.
        clickhouse: whether ClickHouse is in the cluster.
        redis: whether Redis is in the cluster.

    """
    langfuse = [_WEB, _WORKER]
    policies = {
        "webNetworkPolicy": policy(WEB, _WEB, [admit([_TRAEFIK], WEB_PORT)] if public else []),
        "workerNetworkPolicy": policy(WORKER, _WORKER, []),
    }
    if clickhouse:
        policies["clickhouseNetworkPolicy"] = policy(
            CLICKHOUSE,
            _CLICKHOUSE,
            [
                admit(langfuse, CLICKHOUSE_HTTP_PORT, CLICKHOUSE_NATIVE_PORT),
                admit([_BACKUP], CLICKHOUSE_HTTP_PORT),
            ],
            # S3 and STS, whose addresses change.
            egress=[DNS, {"ports": tcp(443)}],
        )
    if redis:
        clients = [admit([*langfuse, _BACKUP], REDIS_PORT)]
        policies["redisNetworkPolicy"] = policy(REDIS, _REDIS, clients, egress=[])
    return policies


def policy(
    name: str,
    pods: dict[str, Any],
    ingress: Sequence[dict[str, Any]],
    *,
    egress: Sequence[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return a policy; without ``egress`` the pods may connect to anything."""
    spec: dict[str, Any] = {"podSelector": pods, "policyTypes": ["Ingress"], "ingress": [*ingress]}
    if egress is not None:
        spec |= {"policyTypes": ["Ingress", "Egress"], "egress": [*egress]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name},
        "spec": spec,
    }


def admit(clients: Sequence[dict[str, Any]], *ports: int) -> dict[str, Any]:
    """Return the rule that admits pods to TCP ports."""
    return {"from": [{"podSelector": each} for each in clients], "ports": tcp(*ports)}


def tcp(*ports: int) -> list[dict[str, Any]]:
    """Return TCP ports as a rule has them."""
    return [{"port": port, "protocol": "TCP"} for port in ports]
