"""Values of the ExternalDNS chart, as plain data."""

from typing import Any, Final

import images
import sizing
from images import ImageSource
from in_cluster.names import EXTERNAL_DNS, ROLE_ANNOTATION
from in_cluster.placement import BESIDE_CLICKHOUSE

# Seconds between two syncs, and seconds for which resolvers cache a record. With the minute that
# Route 53 takes, they are the time until the record follows the pod to another node.
INTERVAL: Final = 30
TTL: Final = 30

_PREFIX: Final = "external-dns.alpha.kubernetes.io"
# Annotation of a Service: the hostname of its record.
HOSTNAME: Final = f"{_PREFIX}/hostname"


def annotations(domain: str) -> dict[str, str]:
    """Return annotations of a headless Service: its record has the public IPs of its pods' nodes.

    Args:
        domain: public hostname.

    """
    return {
        HOSTNAME: domain,
        f"{_PREFIX}/endpoints-type": "NodeExternalIP",
        f"{_PREFIX}/ttl": str(TTL),
    }


def external_dns_values(
    *,
    image_source: ImageSource,
    zone: str,
    zone_id: str,
    owner: str,
    role_arn: str,
    spread: bool,
) -> dict[str, Any]:
    """Return one ExternalDNS, which creates and deletes only records of its own, in one zone.

    Args:
        image_source: where the image comes from.
        zone: name of the Route 53 zone.
        zone_id: id of the zone, because a private zone may have the same name.
        owner: value of the TXT registry that identifies its records, unique in the zone.
        role_arn: IAM role that may change records of the zone.
        spread: whether there are two or more nodes.

    """
    return {
        **image_source.chart_values(images.EXTERNAL_DNS),
        "provider": {"name": "aws"},
        "sources": ["service"],
        "managedRecordTypes": ["A"],
        "domainFilters": [zone],
        "extraArgs": {"zone-id-filter": zone_id, "aws-zone-type": "public"},
        "policy": "sync",
        "registry": "txt",
        "txtOwnerId": owner,
        # The TXT record is below the hostname, even if that is the name of the zone. The percent
        # sign is doubled because Terraform reads %{ as a template.
        "txtPrefix": "externaldns-%%{record_type}.",
        "interval": f"{INTERVAL}s",
        "serviceAccount": {
            "name": EXTERNAL_DNS,
            "annotations": {ROLE_ANNOTATION: role_arn},
        },
        "resources": sizing.EXTERNAL_DNS.resources(),
        **({"affinity": BESIDE_CLICKHOUSE} if spread else {}),
    }
