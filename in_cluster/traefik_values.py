"""Values of the Traefik chart, as plain data."""

from typing import Any, Final

import images
import sizing
from images import ImageSource
from in_cluster.external_dns_values import annotations
from in_cluster.names import (
    CERTIFICATES_CLAIM,
    NAME_LABEL,
    PRIORITY_CLASS,
    ROLE_ANNOTATION,
    TRAEFIK,
    WEB,
    WEB_PORT,
)
from in_cluster.placement import with_volume
from in_cluster.volume_claim import volume_claim

ACME: Final = "https://acme-v02.api.letsencrypt.org/directory"
ACME_STAGING: Final = "https://acme-staging-v02.api.letsencrypt.org/directory"

RESOLVER: Final = "letsencrypt"

# Kubernetes mounts the token of a service account here, unless the pod mounts a volume here.
TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path


def traefik_values(
    *,
    image_source: ImageSource,
    domain: str,
    zone_id: str,
    email: str,
    staging: bool,
    role_arn: str,
    spread: bool,
    zone: str,
) -> dict[str, Any]:
    """Return one Traefik on ports 80 and 443 of its node, with a certificate for ``domain``.

    Its only route is in a file, so it has no access to the Kubernetes API.

    Args:
        image_source: where the image comes from.
        domain: public hostname.
        zone_id: id of the Route 53 zone for the DNS-01 challenge of Let's Encrypt.
        email: email of the Let's Encrypt account.
        staging: whether to request staging certificates, which browsers do not trust and which
            have no weekly limit.
        role_arn: IAM role that may change the challenge's record.
        spread: whether there are two or more nodes.
        zone: zone of its volume.

    """
    return {
        **image_source.chart_values(images.TRAEFIK, split=True),
        "deployment": {
            "replicas": 1,
            # Traefik reads the route only at its start. With this, another hostname restarts it.
            "podAnnotations": {"langfuse/domain": domain},
            "additionalVolumes": [{"name": "no-token", "emptyDir": {}}],
        },
        # The chart always mounts the token of the service account; the empty volume hides it. EKS
        # mounts the token for IAM at another path.
        "additionalVolumeMounts": [{"name": "no-token", "mountPath": TOKEN_PATH, "readOnly": True}],
        # Host ports and the volume admit one pod, so the old pod must stop first.
        "updateStrategy": {"type": "Recreate", "rollingUpdate": None},
        "ports": {
            "web": {
                "hostPort": 80,
                "http": {
                    "redirections": {
                        "entryPoint": {"to": "websecure", "scheme": "https", "permanent": True}
                    }
                },
            },
            "websecure": {"hostPort": 443},
        },
        "service": {
            "annotations": annotations(domain),
            # Headless: only for this kind does ExternalDNS use the addresses of the pods' nodes.
            # Published before ready: otherwise a restart would delete the record for a moment, and
            # resolvers cache its absence for 15 minutes.
            "spec": {"type": "ClusterIP", "clusterIP": "None", "publishNotReadyAddresses": True},
        },
        "certificatesResolvers": {
            RESOLVER: {
                "acme": {
                    "email": email,
                    "caServer": ACME_STAGING if staging else ACME,
                    # A file per CA, or Traefik would keep using the certificate of the other CA.
                    "storage": f"/data/acme{'-staging' if staging else ''}.json",
                    "dnsChallenge": {"provider": "route53"},
                }
            }
        },
        "env": [{"name": "AWS_HOSTED_ZONE_ID", "value": zone_id}],
        # The chart's own claim would outlive the release (helm.sh/resource-policy: keep).
        "persistence": {"enabled": True, "existingClaim": CERTIFICATES_CLAIM},
        "extraObjects": [
            # 1 GiB is the smallest volume of EBS.
            volume_claim(CERTIFICATES_CLAIM, 1, labels={NAME_LABEL: TRAEFIK})
        ],
        # Traefik refuses a certificate file that its group can read. The default policy, Always,
        # would make the file readable at each start.
        "podSecurityContext": {"fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch"},
        "serviceAccountAnnotations": {ROLE_ANNOTATION: role_arn},
        # No Role: the one for Ingresses can read every Secret of the namespace.
        "rbac": {"enabled": False},
        "ingressClass": {"enabled": False},
        "providers": {
            "kubernetesCRD": {"enabled": False},
            "kubernetesIngress": {"enabled": False},
            "file": {"enabled": True, "watch": False, "content": _route(domain)},
        },
        "api": {"dashboard": False},
        "metrics": {"prometheus": None},
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "resources": sizing.TRAEFIK.resources(),
        "priorityClassName": PRIORITY_CLASS,
        "affinity": with_volume(zone=zone, spread=spread),
    }


def _route(domain: str) -> dict[str, Any]:
    """Return Traefik's dynamic configuration, with one route: https for ``domain`` to web."""
    return {
        "http": {
            "routers": {
                "langfuse": {
                    "rule": f"Host(`{domain}`)",
                    "entryPoints": ["websecure"],
                    "tls": {"certResolver": RESOLVER},
                    "service": "langfuse",
                }
            },
            "services": {
                "langfuse": {"loadBalancer": {"servers": [{"url": f"http://{WEB}:{WEB_PORT}"}]}}
            },
        }
    }
