"""Which pod goes where, on two or more nodes.

Web stays off ClickHouse's node and the worker goes where web is, so the two largest limits never
meet; Redis keeps ClickHouse company, and with a public name Traefik and ExternalDNS too. Fewer
rules put web beside ClickHouse in some installs, and more left ClickHouse without a node:
docs/adr/0006-placement.md.
"""

from typing import Any, Final

from constructs_lib.langfuse_names import RELEASE


def _pods(**labels: str) -> dict[str, Any]:
    """Return an affinity term for the release's pods with these labels, node by node."""
    return {
        "labelSelector": {"matchLabels": {"app.kubernetes.io/instance": RELEASE, **labels}},
        "topologyKey": "kubernetes.io/hostname",
    }


_CLICKHOUSE: Final = _pods(**{"app.kubernetes.io/name": "clickhouse"})
_WEB: Final = _pods(app="web")

WEB_AFFINITY: Final = {
    "podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_CLICKHOUSE]}
}
WORKER_AFFINITY: Final = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [_WEB]}}
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
