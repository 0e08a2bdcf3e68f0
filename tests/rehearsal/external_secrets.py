"""What steps ask about an installation whose Secret an operator fills, and about any other."""

import base64
import hashlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from in_cluster.names import EXTERNAL_SECRET, NAMESPACE, SECRET, SecretKey
from tests.rehearsal.environment import PASSWORD, Environment
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import items
from tests.rehearsal.test_secrets import found_in

# Keys of the Secret, and those of the retained secret with the same value.
APPLICATION = {
    SecretKey.SALT: "salt",
    SecretKey.ENCRYPTION_KEY: "encryption_key",
    SecretKey.NEXTAUTH_SECRET: "nextauth_secret",
}
GROUP = "external-secrets.io"


def secret(plane: ControlPlane, name: str) -> dict[str, str]:
    """Return the data of a Secret; nothing where there is none."""
    found = items(plane, "secrets", f"--field-selector=metadata.name={name}")
    data = found[0].get("data", {}) if found else {}
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def retained(environment: Environment) -> dict[str, str]:
    """Return the application secrets in Secrets Manager, by the keys of the Secret."""
    values: dict[str, str] = json.loads(environment.application_secrets())
    return {key: values[name] for key, name in APPLICATION.items()}


def database_secret(environment: Environment) -> str:
    """Return the ARN of the secret in which RDS keeps the password."""
    (database,) = environment.databases()
    arn: str = database["MasterUserSecret"]["SecretArn"]
    return arn


def database_password(environment: Environment) -> str:
    """Return the password that RDS keeps."""
    client = environment.aws.client("secretsmanager")
    value = client.get_secret_value(SecretId=database_secret(environment))["SecretString"]
    password: str = json.loads(value)["password"]
    return password


def expected(environment: Environment) -> dict[str, str]:
    """Return what the operator has to write, computed from what AWS has."""
    salt = retained(environment)[SecretKey.SALT]

    def derived(key: str) -> str:
        return hashlib.sha256(f"{key}:{salt}".encode()).hexdigest()

    return {
        **retained(environment),
        # Langfuse puts it into a URL as it is.
        SecretKey.POSTGRES_PASSWORD: quote(database_password(environment), safe=""),
        SecretKey.CLICKHOUSE_PASSWORD: derived(SecretKey.CLICKHOUSE_PASSWORD),
        SecretKey.REDIS_PASSWORD: derived(SecretKey.REDIS_PASSWORD),
    }


def known(environment: Environment, plane: ControlPlane) -> dict[str, str]:
    """Return every secret of the installation that there is now."""
    return {
        **{
            f"{name} {key}": value
            for name in (SECRET, EXTERNAL_SECRET)
            for key, value in secret(plane, name).items()
        },
        "admin": PASSWORD,
        "database": database_password(environment),
    }


def in_states(environment: Environment, secrets: dict[str, str]) -> dict[str, list[str]]:
    """Return which of these secrets a state has, in whatever form, by the stack."""
    return {
        stack: found_in(json.dumps(environment.cloud.state(f"langfuse-{stack}")), secrets)
        for stack in ("network", "deps", "app")
    }


def dangling(plane: ControlPlane) -> list[str]:
    """Return the references of all workloads to keys that no Secret has."""
    data = {name: secret(plane, name) for name in (SECRET, EXTERNAL_SECRET)}
    found = [
        reference
        for each in items(plane, "deployments,statefulsets,cronjobs")
        for reference in _references(each)
    ]
    assert len(found) > 10
    return [f"{name} {key}" for name, key in found if key not in data.get(name, {})]


def _references(node: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 - any JSON
    if isinstance(node, dict):
        if "secretKeyRef" in node:
            yield node["secretKeyRef"]["name"], node["secretKeyRef"]["key"]
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _references(each)


def of_the_operator(plane: ControlPlane) -> list[str]:
    """Return what there is of the operator: its kinds, objects of them, its pod and its Secret."""
    kinds = [
        name
        for name in plane.kubectl("get", "customresourcedefinitions", "--output=name").split()
        if name.endswith(GROUP)
    ]
    objects = plane.kubectl(
        *("get", "deployments,serviceaccounts,roles,secrets", "--output=name"),
        f"--namespace={NAMESPACE}",
    ).split()
    return [*kinds, *(each for each in objects if "external-secret" in each)]


def condition(plane: ControlPlane) -> dict[str, Any]:
    """Return the condition Ready of the ExternalSecret."""
    (found,) = items(plane, "externalsecrets")
    ready: dict[str, Any] = next(
        (each for each in found.get("status", {}).get("conditions", ()) if each["type"] == "Ready"),
        {},
    )
    return ready
