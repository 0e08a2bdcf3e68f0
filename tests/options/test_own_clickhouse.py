"""CLICKHOUSE_URL: Langfuse on a ClickHouse of the user's own, and none in the cluster."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import sizing
from env_file import load_settings, warnings
from in_cluster.backup_values import SCRIPT, script_texts
from in_cluster.names import BACKUP, LAST_BACKUP, RESUME
from pricing.bill import bill
from pricing.report import total
from tests.helpers.chart_values import Values, chart_values, environment
from tests.helpers.stack import Stack
from tests.helpers.synthesis import ENV, Stacks, WithOptions

PASSWORD = "do-not-print-own"  # noqa: S105 - of tests/options/table.py
LINES = ("CLICKHOUSE_URL=https://h.example.com:8443", "CLICKHOUSE_PASSWORD=a")


@pytest.fixture(scope="module")
def own(with_options: WithOptions) -> Stacks:
    return with_options("own_clickhouse")


@pytest.fixture(scope="module")
def own_values(own: Stacks) -> Values:
    return chart_values(own["app"])


def test_off_nothing_asks_another_server(app: Stack, values: Values) -> None:
    assert "variable" not in app.json or "clickhouse_password" not in app.json["variable"]
    assert values["clickhouse"]["host"] == "langfuse-clickhouse"


def test_langfuse_is_connected_to_it(own_values: Values) -> None:
    assert own_values["clickhouse"] == {
        "deploy": False,
        "host": "https://clickhouse.example.com",
        "httpPort": 8443,
        "nativePort": 9440,
        "database": "default",
        "migration": {"ssl": True},
        "clusterEnabled": False,
        "cluster": {"enabled": False},
        "auth": {
            "username": "default",
            "existingSecret": "langfuse-secrets",
            "existingSecretKey": "clickhouse-password",
        },
    }


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("own-clickhouse", ("https://clickhouse.example.com", 8443, 9441, True)),
        ("own-clickhouse-at-a-private-address", ("http://10.0.3.5", 8123, 9000, False)),
    ],
)
def test_scheme_chooses_the_native_port_and_tls(file: str, expected: tuple[Any, ...]) -> None:
    own = load_settings(ENV / f"accepts.{file}.env").own_clickhouse
    assert own
    assert (own.host, own.http_port, own.native_port, own.is_encrypted) == expected


def test_nothing_of_clickhouse_is_left_in_the_cluster(own_values: Values, own: Stacks) -> None:
    manifests = own_values["extraManifests"]
    assert [key for key in manifests if "clickhouse" in key.lower()] == []
    assert {each["kind"] for each in manifests.values() if "kind" in each} >= {"StatefulSet"}
    assert "clickhouse/clickhouse-server" not in json.dumps(manifests)
    assert own["app"].outputs["stores"]["value"] == "valkey/valkey:8.1.8"
    assert "random_password" in own["app"].json["resource"]
    assert list(own["app"].json["resource"]["random_password"]) == ["redis_password"]
    for pod in ("web", "worker"):
        assert "affinity" not in own_values["langfuse"][pod]["pod"]


def test_limit_of_connections_is_of_the_server_in_the_cluster(
    own_values: Values, values: Values
) -> None:
    for pod in ("web", "worker"):
        name = "CLICKHOUSE_MAX_OPEN_CONNECTIONS"
        assert name in environment(values, pod)
        assert name not in environment(own_values, pod)


def test_nfr01_password_is_a_variable_and_restarts_the_pods(
    own: Stacks, own_values: Values
) -> None:
    for stack in own.values():
        assert PASSWORD not in stack.text
    secrets = json.dumps(own["app"].resource("helm_release", "langfuse")["set_wo"])
    assert "base64encode(var.clickhouse_password)" in secrets
    checksum = own_values["langfuse"]["pod"]["annotations"]["checksum/clickhouse"]
    assert "var.clickhouse_password" in checksum
    assert "nonsensitive(sha256(" in checksum


def test_remote_runs_get_the_password(with_options: WithOptions) -> None:
    workspaces = with_options("remote_runs", "own_clickhouse")["workspaces"]
    variable = workspaces.resource("tfe_variable", "app_clickhouse_password")
    assert variable["value_wo"] == "${var.clickhouse_password}"
    assert (variable["sensitive"], variable["category"]) == (True, "terraform")


def test_both_checksums_stay_with_an_extra_environment(with_options: WithOptions) -> None:
    values = chart_values(with_options("own_clickhouse", "extra_env")["app"])
    assert set(values["langfuse"]["pod"]["annotations"]) == {
        "checksum/clickhouse",
        "checksum/extra-environment",
    }


def test_plan_is_refused_over_a_clickhouse_in_the_cluster(own: Stacks) -> None:
    """So that its volume does not go before a last backup."""
    output = own["app"].outputs["clickhouse"]
    assert output["value"] == "https://clickhouse.example.com:8443"
    condition = output["precondition"]["condition"]
    assert "data.tfe_outputs.deployed.nonsensitive_values.stores" in condition
    assert "data.aws_ebs_volumes.clickhouse_volumes.ids" in condition


# --- Backups, and the queues before a destroy


def test_no_backup_is_made_and_a_destroy_drains_the_queues(own: Stacks) -> None:
    manifests = chart_values(own["app"], BACKUP)["manifests"]
    assert {each["kind"] for each in manifests.values()} == {
        *("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Job")
    }
    hooks = {
        each["metadata"]["name"]: each["metadata"]["annotations"]["helm.sh/hook"]
        for each in manifests.values()
        if each["kind"] == "Job"
    }
    assert hooks == {LAST_BACKUP: "pre-delete", RESUME: "post-install,post-upgrade"}
    (container,) = manifests["last"]["spec"]["template"]["spec"]["containers"]
    given = {each["name"]: each.get("value") for each in container["env"]}
    assert given["CLICKHOUSE_URL"] == "https://clickhouse.example.com:8443/?database=default"
    assert {"BACKUPS_URL", "BACKUPS_KEPT"}.isdisjoint(given)


def test_program_makes_no_backup(own: Stacks) -> None:
    """Of two functions of one name, JavaScript takes the last: it has to be there twice."""
    ours, plain = script_texts(own=True)[SCRIPT.name], script_texts()[SCRIPT.name]
    assert ours.startswith(plain)
    added = re.findall(r"^async function (\w+)\(", ours.removeprefix(plain), re.MULTILINE)
    assert added == ["backUp", "langfuseVersion"]
    for name in added:
        assert len(re.findall(rf"^async function {name}\(", ours, re.MULTILINE)) == 2
    delivered = chart_values(own["app"], BACKUP)["manifests"]["script"]["data"][SCRIPT.name]
    assert delivered.replace("$${", "${").replace("%%{", "%{") == ours


def test_deps_compares_no_backup_and_keeps_the_role(own: Stacks, deps: Stack) -> None:
    """The role makes the last backup of a ClickHouse in the cluster after deps was deployed."""
    assert "check" not in own["deps"].json
    assert own["deps"].outputs == deps.outputs


# --- Sizes and price


def test_room_on_the_nodes() -> None:
    """One t3.medium holds what is requested: 1024 + 768 + 192 + 96 + 620 MiB of 3156."""
    pods = sizing.core(3, clickhouse=False)
    requested = sum(size.memory_mib for size in pods.values()) + sizing.SYSTEM_PER_CLUSTER_MIB
    assert requested == 2700
    assert sizing.shortage(1, "t3.medium", pods) is None
    assert sizing.shortage(1, "t3.medium", sizing.core(3))
    # Not their peaks: of these one node has room for web, worker and Redis alone.
    peaks = sum(pods[name].peak_mib or 0 for name in ("web", "worker", "Redis"))
    assert peaks == 3061 > 3156 - sizing.SYSTEM_PER_CLUSTER_MIB


def test_settings_ask_for_the_pods_that_there_are(tmp_path: Path) -> None:
    text = (ENV / "accepts.own-clickhouse.env").read_text(encoding="utf-8")
    env = tmp_path / ".env"
    env.write_text(f"{text}NODE_COUNT=1\n", encoding="utf-8")
    assert "ClickHouse" not in load_settings(env).pods


def test_nfr06_bill_says_whose_the_server_is(own: Stacks, stacks: Stacks) -> None:
    found, default = (
        bill({name: stack.json for name, stack in each.items()}) for each in (own, stacks)
    )
    (server,) = [each for each in found if "ClickHouse at" in each.what]
    assert (server.what, server.up) == ("ClickHouse at clickhouse.example.com", 0)
    assert server.source == "not part of this bill: whoever runs it bills it"
    # 20 GB of volume at 0.08, and 7 backups of 2 GB at 0.023.
    saved = (total(default).up or 0) - (total(found).up or 0)
    assert saved == pytest.approx(20 * 0.08 + 14 * 0.023, abs=0.005)


# --- Lines of .env


def test_line_for_terraform_is_missed(tmp_path: Path) -> None:
    text = (ENV / "accepts.own-clickhouse.env").read_text(encoding="utf-8")
    env = tmp_path / ".env"
    env.write_text(text.replace("TF_VAR_clickhouse_password", "#"), encoding="utf-8")
    (said,) = [each for each in warnings(env, load_settings(env)) if "copy the line" in each]
    assert "TF_VAR_clickhouse_password" in said.partition(":")[0].split(", ")
    env.write_text(text, encoding="utf-8")
    told = [each for each in warnings(env, load_settings(env)) if "copy the line" in each]
    assert "clickhouse" not in "".join(told)
