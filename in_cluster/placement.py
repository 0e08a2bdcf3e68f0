"""Affinity rules that place pods on two or more nodes (docs/adr/0006-placement.md).

Web and worker must not run on ClickHouse's node, so that the largest memory limits are not on one
node. Redis prefers ClickHouse's node, and with a public hostname so do Traefik and ExternalDNS.

Pods with a volume must run in one zone, the zone of a single node: a volume cannot leave its zone,
so it must be attachable after NODE_COUNT changes to 1.
"""

from typing import Any, Final

from in_cluster.names import (
    CLICKHOUSE_PROGRAM,
    COMPONENT_LABEL,
    INSTANCE_LABEL,
    NAME_LABEL,
    RELEASE,
    WEB_COMPONENT,
    WORKER_COMPONENT,
)


def _pods(label: str, value: str) -> dict[str, Any]:
    """Return an affinity term: nodes with a pod of the release that has this label."""
    return {
        "labelSelector": {"matchLabels": {INSTANCE_LABEL: RELEASE, label: value}},
        "topologyKey": "kubernetes.io/hostname",
    }


_CLICKHOUSE: Final = _pods(NAME_LABEL, CLICKHOUSE_PROGRAM)
_WEB: Final = _pods(COMPONENT_LABEL, WEB_COMPONENT)

BESIDE_CLICKHOUSE: Final = {
    "podAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": _CLICKHOUSE}
        ]
    },
    "podAntiAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": _WEB}
        ]
    },
}

BESIDE_WORKER: Final = {
    "podAffinity": {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "podAffinityTerm": _pods(COMPONENT_LABEL, WORKER_COMPONENT)}
        ]
    }
}


def away_from_clickhouse(*, zone: str) -> dict[str, Any]:
    """Return the affinity of web and worker: never on ClickHouse's node, preferably in other zones.

    If they started in ``zone`` before ClickHouse, ClickHouse would have to preempt them there.
    """
    elsewhere = {"key": "topology.kubernetes.io/zone", "operator": "NotIn", "values": [zone]}
    return {
        "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_CLICKHOUSE]},
        "nodeAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 100, "preference": {"matchExpressions": [elsewhere]}}
            ]
        },
    }


def with_volume(*, zone: str, spread: bool = False) -> dict[str, Any]:
    """Return the affinity of a pod with a volume in ``zone``, with ``spread`` beside ClickHouse."""
    in_zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [in_zone]}]
            }
        },
        **(BESIDE_CLICKHOUSE if spread else {}),
    }
