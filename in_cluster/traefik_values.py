"""The values of Traefik's chart: plain data in, plain data out."""

from typing import Any, Final

import sizing
from in_cluster.external_dns_values import annotations
from in_cluster.names import (
    CERTIFICATES_CLAIM,
    PRIORITY_CLASS,
    STORAGE_CLASS,
    TRAEFIK,
    WEB,
    WEB_PORT,
)
from in_cluster.placement import with_volume

ACME: Final = "https://acme-v02.api.letsencrypt.org/directory"
ACME_STAGING: Final = "https://acme-staging-v02.api.letsencrypt.org/directory"

RESOLVER: Final = "letsencrypt"

# Kubernetes mounts a service account's token here, unless a volume is mounted here already.
TOKEN_PATH: Final = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a path


def traefik_values(
    *, domain: str, zone_id: str, email: str, staging: bool, role_arn: str, spread: bool, zone: str
) -> dict[str, Any]:
    """Return one Traefik on ports 80 and 443 of its node, with a certificate for ``domain``.

    Its only route is a file, so that it needs no access to the Kubernetes API and has none.

    Args:
        domain: the public name.
        zone_id: of the Route 53 zone in which Traefik proves to Let's Encrypt that it is ours.
        email: of the account at Let's Encrypt.
        staging: whether to ask for certificates that no browser trusts, and that have no limit.
        role_arn: IAM role that may write that proof.
        spread: whether there are two or more nodes to choose from.
        zone: where its volume is.

    """
    return {
        "deployment": {
            "replicas": 1,
            # Traefik reads the route once, when it starts; another domain starts it anew.
            "podAnnotations": {"langfuse/domain": domain},
            "additionalVolumes": [{"name": "no-token", "emptyDir": {}}],
        },
        # The chart mounts the token of the service account without a choice. IAM's token, which EKS
        # mounts elsewhere, is not affected.
        "additionalVolumeMounts": [{"name": "no-token", "mountPath": TOKEN_PATH, "readOnly": True}],
        # A port and a volume can be had only once, so the old pod must go first.
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
            # Headless, as ExternalDNS looks for the pod's node behind no other kind. Listed before
            # it is ready, so that a restart does not take the record away for a moment: that there
            # is none is remembered by resolvers for a quarter of an hour.
            "spec": {"type": "ClusterIP", "clusterIP": "None", "publishNotReadyAddresses": True},
        },
        "certificatesResolvers": {
            RESOLVER: {
                "acme": {
                    "email": email,
                    "caServer": ACME_STAGING if staging else ACME,
                    # One for each, or a certificate of the one would be kept for the other.
                    "storage": f"/data/acme{'-staging' if staging else ''}.json",
                    "dnsChallenge": {"provider": "route53"},
                }
            }
        },
        "env": [{"name": "AWS_HOSTED_ZONE_ID", "value": zone_id}],
        # The chart's own claim would stay behind (helm.sh/resource-policy: keep), with its volume.
        "persistence": {"enabled": True, "existingClaim": CERTIFICATES_CLAIM},
        "extraObjects": [_claim()],
        # Traefik refuses a store that others can read. Changing the group of everything at each
        # start, the default, would make it readable.
        "podSecurityContext": {"fsGroup": 65532, "fsGroupChangePolicy": "OnRootMismatch"},
        "serviceAccountAnnotations": {"eks.amazonaws.com/role-arn": role_arn},
        # No Role: what watches Ingresses may read every Secret of the namespace.
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
    """Return Traefik's dynamic configuration: https for ``domain`` goes to web, nothing else."""
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


def _claim() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": CERTIFICATES_CLAIM, "labels": {"app.kubernetes.io/name": TRAEFIK}},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": STORAGE_CLASS,
            # The least that EBS makes.
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }
