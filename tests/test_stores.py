"""Manifests of ClickHouse and Redis: what they may do, what they are asked, what restarts them."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import sizing
import versions
from in_cluster import clickhouse
from in_cluster.clickhouse import clickhouse_manifests
from tests.helpers.chart_values import STORES, Values, container, item, store

# User and group of the images.
UIDS = {"clickhouse": 101, "redis": 999}
PASSWORDS = {"clickhouse": "clickhouse-password", "redis": "redis-password"}


@pytest.mark.parametrize("name", STORES)
def test_pod_has_few_rights(values: Values, name: str) -> None:
    uid, pod = UIDS[name], store(values, name)
    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": uid,
        "runAsGroup": uid,
        "fsGroup": uid,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(values, name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }
    assert pod["automountServiceAccountToken"] is False


def test_clickhouse_has_a_service_account_without_a_token(values: Values) -> None:
    account = item(values, "ServiceAccount", "langfuse-clickhouse")
    assert account["automountServiceAccountToken"] is False
    assert store(values, "clickhouse")["serviceAccountName"] == "langfuse-clickhouse"
    assert "serviceAccountName" not in store(values, "redis")


@pytest.mark.parametrize("name", STORES)
def test_password_is_a_reference(values: Values, name: str) -> None:
    """The Kubernetes API shows the environment and the arguments of a pod."""
    reference = {"secretKeyRef": {"name": "langfuse-secrets", "key": PASSWORDS[name]}}
    given = {each["name"]: each for each in container(values, name)["env"]}
    secret = {variable for variable in given if "PASSWORD" in variable or "AUTH" in variable}
    assert (
        secret
        == {
            "clickhouse": {"CLICKHOUSE_PASSWORD"},
            "redis": {"REDIS_PASSWORD", "REDISCLI_AUTH"},
        }[name]
    )
    assert [given[variable]["valueFrom"] for variable in secret] == [reference] * len(secret)


def test_redis_takes_its_password_from_the_environment(values: Values) -> None:
    assert container(values, "redis")["args"][:2] == ["--requirepass", "$(REDIS_PASSWORD)"]


def test_clickhouse_takes_its_password_from_the_environment(values: Values) -> None:
    """The image's own set-up of users is off, or it would replace the user of our file."""
    given = {each["name"]: each.get("value") for each in container(values, "clickhouse")["env"]}
    assert given["CLICKHOUSE_SKIP_USER_SETUP"] == "1"
    (user,) = ET.parse(clickhouse.USERS).getroot().findall("users/default")  # noqa: S314 - our own
    password = user.find("password")
    assert password is not None
    assert password.get("from_env") in given


@pytest.mark.parametrize("name", STORES)
def test_probes_wait_for_a_start(values: Values, name: str) -> None:
    """An hour for ClickHouse, which may restore a backup first."""
    probes = container(values, name)
    startup, liveness = probes["startupProbe"], probes["livenessProbe"]
    minutes = startup["periodSeconds"] * startup["failureThreshold"] / 60
    assert minutes == {"clickhouse": 60, "redis": 5}[name]
    assert liveness["periodSeconds"] * liveness["failureThreshold"] == 120
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert (
            probes[probe].get("httpGet", probes[probe].get("exec"))
            == {
                "clickhouse": {"path": "/ping", "port": "http"},
                "redis": {"command": ["valkey-cli", "-e", "ping"]},
            }[name]
        )


def test_services_have_the_ports_of_the_containers(values: Values) -> None:
    ports = {"clickhouse": {"http": 8123, "native": 9000}, "redis": {"redis": 6379}}
    for name, wanted in ports.items():
        service = values["extraManifests"][f"{name}Service"]["spec"]
        offered = container(values, name)["ports"]
        assert {each["name"]: each["containerPort"] for each in offered} == wanted
        assert {each["targetPort"]: each["port"] for each in service["ports"]} == wanted
        assert "type" not in service


def test_images_are_pinned(values: Values) -> None:
    images = {name: container(values, name)["image"] for name in STORES}
    assert images == {
        "clickhouse": f"clickhouse/clickhouse-server:{versions.LANGFUSE_LINES[3].clickhouse}",
        "redis": f"valkey/valkey:{versions.VALKEY_IMAGE}",
    }
    assert versions.LANGFUSE_LINES[3].clickhouse.startswith("26.3.")


def test_configuration_files_are_mounted_singly(values: Values) -> None:
    """A directory over config.d would hide the file with the addresses to listen on."""
    files = item(values, "ConfigMap", "langfuse-clickhouse")["data"]
    mounts = [
        each
        for each in container(values, "clickhouse")["volumeMounts"]
        if each["name"] == "configuration"
    ]
    assert {each["subPath"] for each in mounts} == set(files)
    assert {each["mountPath"] for each in mounts} == {
        "/etc/clickhouse-server/config.d/langfuse.xml",
        "/etc/clickhouse-server/users.d/langfuse.xml",
    }


def test_restore_script_is_executable_in_the_folder_of_the_image(values: Values) -> None:
    """The entrypoint would read another one into its own shell, which its `exit` would end."""
    (mount,) = [
        each
        for each in container(values, "clickhouse")["volumeMounts"]
        if each["name"] == "restore"
    ]
    assert mount["mountPath"] == f"/docker-entrypoint-initdb.d/{mount['subPath']}"
    volumes = {each["name"]: each for each in store(values, "clickhouse")["volumes"]}
    assert volumes["restore"]["configMap"] == {"name": "langfuse-restore", "defaultMode": 0o555}
    script = item(values, "ConfigMap", "langfuse-restore")["data"][mount["subPath"]]
    assert script.replace("$${", "${").replace("%%{", "%{") == (
        clickhouse.RESTORE_SCRIPT.read_text(encoding="utf-8")
    )


def test_restore_knows_where_the_backups_are(values: Values) -> None:
    """By what the script names as its environment."""
    given = {each["name"]: each for each in container(values, "clickhouse")["env"]}
    wanted = set(re.findall(r"\$\{?([A-Z_]{5,})", clickhouse.RESTORE_SCRIPT.read_text("utf-8")))
    # For tests, and bash's own.
    assert wanted - {"DATA_DIRECTORY", "POLL_SECONDS", "SECONDS"} <= set(given)
    assert given["BACKUPS_URL"]["value"] == (
        "https://${local.deps_bucket_name}.s3.us-east-1.amazonaws.com/clickhouse"
    )
    assert given["CLICKHOUSE_ALWAYS_RUN_INITDB_SCRIPTS"]["value"] == "1"
    assert {given[name]["value"] for name in ("AWS_REGION", "AWS_DEFAULT_REGION")} == {"us-east-1"}


def test_another_langfuse_does_not_restart_clickhouse(values: Values) -> None:
    """Neither the pod's environment nor its checksum has the version."""
    reference = next(
        each["valueFrom"]["configMapKeyRef"]
        for each in container(values, "clickhouse")["env"]
        if each["name"] == "LANGFUSE_VERSION"
    )
    versions_of = item(values, "ConfigMap", reference["name"])["data"]
    assert versions_of[reference["key"]] == versions.LANGFUSE_LINES[3].langfuse
    assert versions.LANGFUSE_LINES[3].langfuse not in json.dumps(
        values["extraManifests"]["clickhouse"]
    )


def test_another_configuration_restarts_clickhouse(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def annotations() -> dict[str, str]:
        manifests = clickhouse_manifests(
            image="image",
            zone="zone",
            role_arn="arn",
            backups_url="url",
            region="us-east-1",
            langfuse_version="3",
            size=sizing.CLICKHOUSE,
        )
        found: dict[str, str] = manifests["clickhouse"]["spec"]["template"]["metadata"][
            "annotations"
        ]
        return found

    before = annotations()
    assert annotations() == before
    another = tmp_path / clickhouse.SERVER.name
    another.write_text("<clickhouse/>", encoding="utf-8")
    monkeypatch.setattr(clickhouse, "SERVER", another)
    assert annotations() != before


def test_no_budget_blocks_a_drain(values: Values) -> None:
    """With one replica, a PodDisruptionBudget allows no eviction, or any."""
    assert "PodDisruptionBudget" not in json.dumps(values["extraManifests"])
