"""Which pod goes where, on two or more nodes.

Web and worker stay off ClickHouse's node, so that the largest limits never meet; Redis goes to
ClickHouse's node, and with a public name Traefik and ExternalDNS too: docs/adr/0006-placement.md.

Pods with a volume stay in one zone, whose subnet is the single node's: a volume cannot leave its
zone, and with one node there is no other to go to.
"""

from typing import Any, Final

from in_cluster.names import RELEASE


def _pods(**labels: str) -> dict[str, Any]:
    """Return an affinity term for the release's pods with these labels, node by node."""
    return {
        "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": RELEASE, **labels}},
        "topologyKey": "kubernetes.io/hostname",
    }


_CLICKHOUSE: Final = _pods(**{"app.kubernetes.io/name": "clickhouse"})
_WEB: Final = _pods(app="web")

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


def away_from_volumes(*, zone: str) -> dict[str, Any]:
    """Return the affinity of web and worker: not on ClickHouse's node, rather not in its zone.

    In its zone before ClickHouse is, they would have to be displaced from there.
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
    """Return the affinity of a pod with a volume in ``zone``; with ``spread``, near ClickHouse."""
    in_zone = {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
    return {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [in_zone]}]
            }
        },
        **(BESIDE_CLICKHOUSE if spread else {}),
    }
