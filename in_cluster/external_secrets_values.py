"""Values of the operator that fills Langfuse's Secret, and of what it works on.

What AWS keeps reaches pods by a Secret of its own, ``EXTERNAL_SECRET``: two owners of one Secret
would take keys from each other (docs/adr/0037-external-secrets.md).
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import images
import sizing
from images import ImageSource
from in_cluster.names import (
    EXTERNAL_SECRET,
    EXTERNAL_SECRETS,
    NAMESPACE,
    ROLE_ANNOTATION,
    SECRET,
    SECRET_STORE,
    ProjectKey,
    SecretKey,
)
from in_cluster.placement import BESIDE_CLICKHOUSE

# How long a changed value in Secrets Manager may take to the Secret; each look asks for four.
REFRESH: Final = "1h"

_API: Final = "external-secrets.io/v1"
# Names, in the templates, of the values in Secrets Manager: the keys of ``ApplicationSecrets``, and
# the password of the database.
_APPLICATION: Final = ("salt", "encryption_key", "nextauth_secret")
_DATABASE: Final = "database_password"


def external_keys(*, clickhouse: bool, project_keys: bool) -> list[str]:
    """Return the keys of Langfuse's Secret whose values come from AWS, and from no variable.

    Args:
        clickhouse: whether ClickHouse is in the cluster, and not of the user's own.
        project_keys: whether Langfuse makes API keys of its first project.

    """
    return [
        SecretKey.SALT,
        SecretKey.ENCRYPTION_KEY,
        SecretKey.NEXTAUTH_SECRET,
        SecretKey.POSTGRES_PASSWORD,
        SecretKey.REDIS_PASSWORD,
        *([SecretKey.CLICKHOUSE_PASSWORD] if clickhouse else []),
        *(ProjectKey if project_keys else []),
    ]


def operator_values(*, image_source: ImageSource, role_arn: str, spread: bool) -> dict[str, Any]:
    """Return one operator without webhook, which sees one namespace, as one pod.

    Args:
        image_source: where the image comes from.
        role_arn: IAM role that may read the secrets.
        spread: whether there are two or more nodes.

    """
    return {
        **image_source.chart_values(images.EXTERNAL_SECRETS),
        "scopedNamespace": NAMESPACE,
        "scopedRBAC": True,
        "webhook": {"create": False},
        "certController": {"create": False},
        # Kinds for all namespaces, and for the other way, that nothing here is.
        "processClusterExternalSecret": False,
        "processClusterPushSecret": False,
        "processClusterStore": False,
        "processClusterGenerator": False,
        "processPushSecret": False,
        "crds": {
            "createClusterExternalSecret": False,
            "createClusterSecretStore": False,
            "createClusterGenerator": False,
            "createClusterPushSecret": False,
            "createPushSecret": False,
        },
        "rbac": {
            "serviceAccountTokenCreate": False,
            "servicebindings": {"create": False},
            "aggregateToView": False,
            "aggregateToEdit": False,
            "aggregateToAdmin": False,
        },
        "serviceAccount": {"name": EXTERNAL_SECRETS, "annotations": {ROLE_ANNOTATION: role_arn}},
        "resources": sizing.EXTERNAL_SECRETS.resources(),
        **({"affinity": BESIDE_CLICKHOUSE} if spread else {}),
    }


def store_values(
    *, region: str, application_secrets: str, database_secret: str, keys: Collection[str]
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the values of the chart in ``manifests_chart``: what the operator works on.

    Args:
        region: AWS region of the secrets.
        application_secrets: name of the Secrets Manager secret with ``ApplicationSecrets``.
        database_secret: ARN of the one with the database's password.
        keys: keys of the Secret, as ``external_keys``.

    """
    sources = {key: (application_secrets, key) for key in _APPLICATION} | {
        _DATABASE: (database_secret, "password")
    }
    data = [
        {"secretKey": name, "remoteRef": {"key": secret, "property": in_json}}
        for name, (secret, in_json) in sources.items()
    ]
    template = {str(key): _TEMPLATES[key] for key in keys}
    spec = {
        "refreshInterval": REFRESH,
        "secretStoreRef": {"kind": "SecretStore", "name": SECRET_STORE},
        "target": {
            "name": EXTERNAL_SECRET,
            # It is deleted with the ExternalSecret, and not where AWS does not answer.
            "creationPolicy": "Owner",
            "deletionPolicy": "Retain",
            "template": {"engineVersion": "v2", "data": template},
        },
        "data": data,
    }
    # The operator's own role, from its service account.
    provider = {"aws": {"service": "SecretsManager", "region": region}}
    return {
        "manifests": {
            "store": _manifest("SecretStore", SECRET_STORE, {"provider": provider}),
            "secret": _manifest("ExternalSecret", EXTERNAL_SECRET, spec),
        }
    }


def with_external_secret(values: Any, keys: Collection[str]) -> Any:  # noqa: ANN401 - any values
    """Return chart values in which references to these keys of the Secret name the operator's.

    Args:
        values: chart values, or a part of them.
        keys: keys whose values come from AWS, as ``external_keys``.

    """
    if isinstance(values, list):
        return [with_external_secret(each, keys) for each in values]
    if not isinstance(values, Mapping):
        return values
    found = {name: with_external_secret(each, keys) for name, each in values.items()}
    if found.get("name") == SECRET and found.get("key") in keys:
        found["name"] = EXTERNAL_SECRET
    # How Langfuse's chart has it for each of the stores.
    if found.get("existingSecret") == SECRET and _named_in(found).intersection(keys):
        found["existingSecret"] = EXTERNAL_SECRET
    return found


def _named_in(auth: Mapping[str, Any]) -> set[str]:
    return {
        auth.get("existingSecretKey", ""),
        auth.get("existingSecretPasswordKey", ""),
        auth.get("secretKeys", {}).get("userPasswordKey", ""),
    }


def _manifest(kind: str, name: str, spec: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": _API, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def _from_salt(key: str) -> str:
    """Return a template for SHA-256 of a key and the salt, as ``project_keys`` has it."""
    return f'{{{{ printf "{key}:%s" .salt | sha256sum }}}}'


# Templates of the operator, by keys of the Secret. Hex needs no escape in a URL; a password that
# RDS makes does, and Langfuse puts it into one as it is.
_TEMPLATES: Final[Mapping[str, str]] = {
    SecretKey.SALT: "{{ .salt }}",
    SecretKey.ENCRYPTION_KEY: "{{ .encryption_key }}",
    SecretKey.NEXTAUTH_SECRET: "{{ .nextauth_secret }}",
    SecretKey.POSTGRES_PASSWORD: f"{{{{ .{_DATABASE} | urlquery }}}}",
    SecretKey.CLICKHOUSE_PASSWORD: _from_salt(SecretKey.CLICKHOUSE_PASSWORD),
    SecretKey.REDIS_PASSWORD: _from_salt(SecretKey.REDIS_PASSWORD),
    ProjectKey.PUBLIC: f"pk-lf-{_from_salt(ProjectKey.PUBLIC)}",
    ProjectKey.SECRET: f"sk-lf-{_from_salt(ProjectKey.SECRET)}",
}
