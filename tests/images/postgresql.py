"""PostgreSQL that refuses connections without TLS, as RDS does by its default."""

from typing import Any, Final

import versions
from tests.rehearsal.stand_ins.certificates import Authority

NAMESPACE: Final = "stand-ins"
NAME: Final = "postgres"
HOST: Final = f"{NAME}.{NAMESPACE}.svc.cluster.local"
PASSWORD: Final = "not-printed-database"  # noqa: S105 - of the stand-in
# User and group of the image.
UID: Final = 999
# The image's own scripts come through the socket.
HBA: Final = "local all all trust\nhostssl all all all scram-sha-256\n"
OPTIONS: Final = {
    "ssl": "on",
    "ssl_cert_file": "/tls/tls.crt",
    "ssl_key_file": "/tls/tls.key",
    "hba_file": "/configuration/pg_hba.conf",
}
LABELS: Final = {"app": NAME}


def manifests() -> dict[str, Any]:
    """Return a list of the namespace, and PostgreSQL in it with an empty database ``langfuse``."""
    certificate, key = Authority().issue("rehearsal", HOST, HOST)
    metadata = {"name": NAME, "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": metadata,
                "stringData": {"tls.crt": certificate, "tls.key": key},
            },
            {
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": metadata,
                "data": {"pg_hba.conf": HBA},
            },
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": metadata,
                "spec": {"selector": LABELS, "ports": [{"port": 5432}]},
            },
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": metadata,
                "spec": {
                    "selector": {"matchLabels": LABELS},
                    "template": {"metadata": {"labels": LABELS}, "spec": _pod()},
                },
            },
        ],
    }


def _pod() -> dict[str, Any]:
    environment = {"USER": "langfuse", "DB": "langfuse", "PASSWORD": PASSWORD}
    container = {
        "name": NAME,
        "image": f"postgres:{versions.POSTGRES}",
        "args": [part for option in OPTIONS.items() for part in ("-c", "=".join(option))],
        "env": [
            {"name": f"POSTGRES_{name}", "value": value} for name, value in environment.items()
        ],
        "ports": [{"containerPort": 5432}],
        "readinessProbe": {
            "exec": {"command": ["pg_isready", "-h", "127.0.0.1", "-U", "langfuse"]},
            "periodSeconds": 2,
        },
        "volumeMounts": [
            {"name": "tls", "mountPath": "/tls"},
            {"name": "configuration", "mountPath": "/configuration"},
        ],
    }
    return {
        "securityContext": {"runAsUser": UID, "runAsGroup": UID, "fsGroup": UID},
        "containers": [container],
        "volumes": [
            # PostgreSQL refuses a key that others may read.
            {"name": "tls", "secret": {"secretName": NAME, "defaultMode": 0o640}},
            {"name": "configuration", "configMap": {"name": NAME}},
        ],
    }
