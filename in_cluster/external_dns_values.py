"""The values of ExternalDNS's chart: plain data in, plain data out."""

from typing import Any, Final

import sizing
from in_cluster.names import EXTERNAL_DNS
from in_cluster.placement import BESIDE_CLICKHOUSE

# Seconds between two looks at the cluster, and for which a resolver may keep the answer. Together
# with Route 53's own minute they are the time in which a name follows its pod to another node.
INTERVAL: Final = 30
TTL: Final = 30


_PREFIX: Final = "external-dns.alpha.kubernetes.io"
# The annotation of a Service that names its record.
HOSTNAME: Final = f"{_PREFIX}/hostname"


def annotations(domain: str) -> dict[str, str]:
    """Return what has a headless Service published: the public addresses of its pods' nodes."""
    return {
        HOSTNAME: domain,
        f"{_PREFIX}/endpoints-type": "NodeExternalIP",
        f"{_PREFIX}/ttl": str(TTL),
    }


def external_dns_values(
    *, zone: str, zone_id: str, owner: str, role_arn: str, spread: bool
) -> dict[str, Any]:
    """Return one ExternalDNS that keeps, and removes, what it made itself in one zone.

    Args:
        zone: name of the Route 53 zone.
        zone_id: its id, as a private zone may have the same name.
        owner: marks its records, and is nobody else's in this zone.
        role_arn: IAM role that may write in the zone.
        spread: whether there are two or more nodes to choose from.

    """
    return {
        "provider": {"name": "aws"},
        "sources": ["service"],
        "managedRecordTypes": ["A"],
        "domainFilters": [zone],
        "extraArgs": {"zone-id-filter": zone_id, "aws-zone-type": "public"},
        "policy": "sync",
        "registry": "txt",
        "txtOwnerId": owner,
        # A name of its own below the record's, even where that is the zone's. The percent sign is
        # doubled for Terraform, to which it would begin a template.
        "txtPrefix": "externaldns-%%{record_type}.",
        "interval": f"{INTERVAL}s",
        "serviceAccount": {
            "name": EXTERNAL_DNS,
            "annotations": {"eks.amazonaws.com/role-arn": role_arn},
        },
        "resources": sizing.EXTERNAL_DNS.resources(),
        **({"affinity": BESIDE_CLICKHOUSE} if spread else {}),
    }
