"""SECRETS=external: an operator fills the Secret, and Terraform's state holds no secret."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

import sizing
from env_file import load_settings
from in_cluster.external_secrets_values import external_keys, with_external_secret
from in_cluster.names import EXTERNAL_SECRET, SECRET, ProjectKey, SecretKey
from pricing.bill import bill
from tests.helpers.chart_values import Values, chart_values
from tests.helpers.checkout import ROOT
from tests.helpers.modules import IRSA, RDS
from tests.helpers.stack import Stack
from tests.helpers.synthesis import ENV, Stacks, WithOptions

# Resources and data sources whose secret attributes Terraform keeps in the state.
KEEPING = {
    "random_password",
    "aws_secretsmanager_secret_version",
    "aws_secretsmanager_random_password",
    "aws_ssm_parameter",
}
APPLICATION = "${local.deps_application_secrets_name}"
DATABASE = "${local.deps_database_secret_arn}"
OF_RDS = "${one(data.aws_db_instance.database_with_secret.master_user_secret[*].secret_arn)}"
GENERATED = {*SecretKey} - {SecretKey.ADMIN_PASSWORD}


@pytest.fixture(scope="module")
def external(with_options: WithOptions) -> Stacks:
    return with_options("external_secrets")


@pytest.fixture(scope="module")
def values_there(external: Stacks) -> Values:
    return chart_values(external["app"])


@pytest.fixture(scope="module")
def manifests(external: Stacks) -> Values:
    found: Values = chart_values(external["app"], "langfuse-secret-store")["manifests"]
    return found


def references(node: object) -> Iterator[tuple[str, str]]:
    """Yield the Secret and the key of every reference in chart values."""
    if isinstance(node, dict):
        if "key" in node and "name" in node:
            yield node["name"], node["key"]
        if "existingSecret" in node:
            keys = {**node, **node.get("secretKeys", {})}
            yield (
                node["existingSecret"],
                next(key for name, key in keys.items() if re.search("(Secret|Password)Key$", name)),
            )
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from references(each)


def test_without_it_nothing_is_made(stacks: Stacks) -> None:
    for stack in stacks.values():
        for word in ("external-secrets", "secret-store", "database_secret_arn", "revision_salt"):
            assert word not in stack.text


def test_nothing_that_keeps_a_secret_is_left(external: Stacks) -> None:
    for stack in external.values():
        kinds = {*stack.json.get("resource", {}), *stack.json.get("data", {})}
        assert not kinds & KEEPING
        assert "password" not in stack.modules.get("rds", {})
    # That of the hash of what the user sets; it is the password of nothing.
    assert [*external["app"].json["resource"]["random_bytes"]] == ["revision_salt"]
    assert "random_bytes" not in external["deps"].json["resource"]


def test_no_output_is_a_secret(external: Stacks) -> None:
    for stack in external.values():
        assert [name for name, each in stack.outputs.items() if each.get("sensitive")] == []
    assert "deps_database_password" not in external["app"].text
    database = external["deps"].outputs["database_secret_arn"]["value"]
    assert database == OF_RDS


def test_terraform_writes_what_the_user_sets(with_options: WithOptions, external: Stacks) -> None:
    def written(stack: Stack) -> set[str]:
        release = stack.resource("helm_release", "langfuse")
        names = [each["name"].removeprefix("extraManifests.secret.") for each in release["set_wo"]]
        return {name.removeprefix("data.") for name in names}

    assert written(external["app"]) == {"kind", "admin-password"}
    more = with_options("external_secrets", "extra_env", "own_clickhouse")["app"]
    assert written(more) == {
        *("kind", "admin-password", "clickhouse-password"),
        *("SMTP_CONNECTION_URL", "AUTH_CUSTOM_CLIENT_SECRET"),
    }


def test_a_hash_in_the_state_tells_nothing_of_the_first_password(
    with_options: WithOptions,
) -> None:
    """It covers random bytes, and what a program would have made."""
    app = with_options("external_secrets", "extra_env")["app"]
    triggers = app.resource("terraform_data", "secrets_revision")["triggers_replace"]["release"]
    assert "random_bytes.revision_salt.hex" in triggers
    assert "var.langfuse_env_SMTP_CONNECTION_URL" in triggers
    assert "langfuse_admin_password" not in triggers


def test_every_reference_names_the_secret_that_has_the_key(
    external: Stacks, values_there: Values
) -> None:
    found = {*references(values_there)}
    assert {key for name, key in found if name == EXTERNAL_SECRET} == GENERATED
    assert {key for name, key in found if name == SECRET} == {SecretKey.ADMIN_PASSWORD}
    backups = {*references(chart_values(external["app"], "langfuse-backup"))}
    passwords = (SecretKey.CLICKHOUSE_PASSWORD, SecretKey.REDIS_PASSWORD)
    assert backups == {(EXTERNAL_SECRET, key) for key in passwords}


def test_every_release_asks_the_secret_that_has_the_key(with_options: WithOptions) -> None:
    """That of each option too: its pods would wait for a key that there is not."""
    app = with_options("external_secrets", "alarms", "monitoring", "public_name")["app"]
    secrets = {SECRET, EXTERNAL_SECRET}
    found = {
        name: {each for each in references(chart_values(app, name)) if each[0] in secrets}
        for name in app.json["resource"]["helm_release"]
    }
    asking = {name for name, named in found.items() if named}
    assert asking == {
        "langfuse",
        "langfuse-backup",
        "langfuse-metrics",
        "langfuse-monitoring",
    }
    given = external_keys(clickhouse=True, project_keys=False)
    for name, key in set.union(*found.values()):
        assert name == (EXTERNAL_SECRET if key in given else SECRET)


def test_references_are_the_only_change_of_values() -> None:
    keys = external_keys(clickhouse=True, project_keys=False)
    other = {"name": "another", "key": "salt"}
    values = {
        "a": [{"secretKeyRef": {"name": SECRET, "key": "salt", "optional": True}}, other],
        "b": {"existingSecret": SECRET, "existingSecretPasswordKey": "redis-password"},
        "c": {"existingSecret": SECRET, "existingSecretKey": "mine"},
        "d": {"name": SECRET, "key": "project-public-key"},
        "e": (1, None),
    }
    assert with_external_secret(values, keys) == {
        **values,
        "a": [{"secretKeyRef": {"name": EXTERNAL_SECRET, "key": "salt", "optional": True}}, other],
        "b": {"existingSecret": EXTERNAL_SECRET, "existingSecretPasswordKey": "redis-password"},
    }
    assert with_external_secret(values, ()) == values


def test_secret_has_the_keys_that_are_referred_to(
    with_options: WithOptions, manifests: Values
) -> None:
    assert {*manifests["secret"]["spec"]["target"]["template"]["data"]} == GENERATED
    app = with_options("external_secrets", "project_keys", "own_clickhouse")["app"]
    secret = chart_values(app, "langfuse-secret-store")["manifests"]["secret"]
    template = secret["spec"]["target"]["template"]["data"]
    assert {*template} == {*GENERATED, *ProjectKey} - {SecretKey.CLICKHOUSE_PASSWORD}
    named = {key for name, key in references(chart_values(app)) if name == EXTERNAL_SECRET}
    assert named == {*template}


def test_secret_is_made_of_what_aws_keeps(manifests: Values) -> None:
    spec = manifests["secret"]["spec"]
    assert spec["target"]["name"] == EXTERNAL_SECRET
    assert spec["secretStoreRef"] == {
        "kind": manifests["store"]["kind"],
        "name": manifests["store"]["metadata"]["name"],
    }
    sources = {
        each["secretKey"]: (each["remoteRef"]["key"], each["remoteRef"]["property"])
        for each in spec["data"]
    }
    assert sources == {
        **{key: (APPLICATION, key) for key in ("salt", "encryption_key", "nextauth_secret")},
        "database_password": (DATABASE, "password"),
    }
    used = re.findall(r"\.(\w+)\b", json.dumps(spec["target"]["template"]["data"]))
    assert {*used} == {*sources}
    aws = manifests["store"]["spec"]["provider"]["aws"]
    # Without a login of its own: the operator's role.
    assert aws == {"service": "SecretsManager", "region": "us-east-1"}


def test_secret_goes_with_its_source_and_stays_where_aws_is_silent(manifests: Values) -> None:
    target = manifests["secret"]["spec"]["target"]
    assert (target["creationPolicy"], target["deletionPolicy"]) == ("Owner", "Retain")


def test_operator_is_one_pod_of_one_namespace(external: Stacks) -> None:
    operator = chart_values(external["app"], "external-secrets")
    assert operator["webhook"] == operator["certController"] == {"create": False}
    assert (operator["scopedRBAC"], operator["scopedNamespace"]) == (True, "langfuse")
    assert operator["resources"] == {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"memory": "128Mi"},
    }
    # Of other service accounts it may make no token.
    assert operator["rbac"]["serviceAccountTokenCreate"] is False
    kinds = {name: each for name, each in operator.items() if name.startswith("process")}
    assert {*kinds.values(), *operator["crds"].values()} == {False}


def test_role_reads_the_two_secrets_and_no_other(external: Stacks) -> None:
    (role,) = [
        call
        for call in external["deps"].modules.values()
        if call["source"] == IRSA and call["name"] == "langfuse-external-secrets"
    ]
    (accounts,) = role["oidc_providers"].values()
    assert accounts["namespace_service_accounts"] == ["langfuse:external-secrets"]
    (statement,) = role["permissions"].values()
    assert statement["actions"] == ["secretsmanager:GetSecretValue"]
    application, database = statement["resources"]
    assert application.endswith(":secret:langfuse-application-secrets-??????")
    assert database == OF_RDS
    account = chart_values(external["app"], "external-secrets")["serviceAccount"]
    assert account == {
        "name": "external-secrets",
        "annotations": {
            "eks.amazonaws.com/role-arn": "${local.deps_external_secrets_role_arn}",
        },
    }


def test_langfuse_waits_for_the_secret(external: Stacks) -> None:
    release = external["app"].resource("helm_release", "langfuse")
    assert release["depends_on"] == ["helm_release.langfuse-secret-store"]


def test_missing_secret_is_still_said_at_the_plan(external: Stacks) -> None:
    (listed,) = external["app"].json["data"]["aws_secretsmanager_secrets"].values()
    (condition,) = listed["lifecycle"]["postcondition"]
    assert "is missing or scheduled for deletion" in condition["error_message"]


def test_password_of_the_database_is_asked_of_aws(external: Stacks) -> None:
    command = external["deps"].outputs["how_to_query_the_database"]["value"]
    # In single quotes: a shell has another use for the exclamation mark in the name.
    assert f"--secret-id '{OF_RDS}'" in command
    assert "output -raw" not in command


def test_remote_runs_get_the_permissions(with_options: WithOptions) -> None:
    workspaces = with_options("remote_runs", "external_secrets")["workspaces"]
    policy = workspaces.resource("aws_iam_policy", "external_secrets")
    assert "secretsmanager:GetRandomPassword" in policy["policy"]
    assert "$" not in policy["policy"].replace("${data.aws_partition.partition.partition}", "")


def amounts(stacks: dict[str, Stack]) -> list[tuple[str, float | None]]:
    documents = {name: each.json for name, each in stacks.items()}
    return [(item.what, item.up) for item in bill(documents)]


def test_price(stacks: Stacks, external: Stacks) -> None:
    """Two secrets in which AWS has made a part of the third, and that of RDS."""
    before, after = amounts(stacks), amounts(external)
    more = [*after]
    for each in before:
        more.remove(each)
    assert sorted(more) == [
        ("1 secret", 0.40),
        ("1 secret", 0.40),
        ("1 secret with its password", 0.40),
    ]


def test_nodes_hold_it() -> None:
    pods = load_settings(ENV / "accepts.external-secrets.env").pods
    assert pods["External Secrets Operator"] == sizing.EXTERNAL_SECRETS
    assert sizing.shortage(2, "t3.medium", pods) is None


def test_database_is_otherwise_the_same(stacks: Stacks, external: Stacks) -> None:
    def others(module: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in module.items() if "password" not in key}

    one, other = (each["deps"].module(RDS) for each in (stacks, external))
    assert others(one) == others(other)


def test_page_names_what_is_made(external: Stacks) -> None:
    page = (ROOT / "docs" / "external-secrets.md").read_text(encoding="utf-8")
    for name in (EXTERNAL_SECRET, *external["app"].json["resource"]["helm_release"]):
        assert f"`{name}`" in page
