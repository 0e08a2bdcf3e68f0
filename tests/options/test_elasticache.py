"""REDIS=elasticache: Redis leaves the cluster."""

import re
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

import sizing
from env_file import load_settings
from in_cluster.backup_values import LOCAL, REMOTE, SCRIPT, TLS_SCRIPT, Durations
from in_cluster.queues import QUEUES
from in_cluster.redis_switch_values import SCRIPT as SWITCH_SCRIPT
from in_cluster.redis_switch_values import redis_switch_values, timeout
from in_cluster.worker_modules import LOADER
from pricing.bill import bill
from tests.helpers.chart_values import Values, chart_values
from tests.helpers.checkout import ROOT
from tests.helpers.node import NODE
from tests.helpers.stack import Stack
from tests.helpers.synthesis import ENV, Stacks, WithOptions
from tests.helpers.worker_image import write_module

HOST: Final = "${local.deps_redis_host}"


@pytest.fixture(scope="module")
def managed(with_options: WithOptions) -> Stacks:
    return with_options("elasticache")


@pytest.fixture(scope="module")
def there(managed: Stacks) -> Values:
    return chart_values(managed["app"])


def test_without_it_nothing_is_made(stacks: Stacks) -> None:
    for stack in stacks.values():
        for word in ("elasticache", "redis_host", "redis-switch", "redis_tls"):
            assert word not in stack.text


def test_langfuse_connects_with_tls_and_the_token(managed: Stacks, there: Values) -> None:
    assert there["redis"] == {
        "deploy": False,
        "host": HOST,
        "tls": {"enabled": True},
        "auth": {
            "username": "default",
            "existingSecret": "langfuse-secrets",
            "existingSecretPasswordKey": "redis-password",
        },
    }
    secrets = {
        each["name"]: each["value"]
        for each in managed["app"].resource("helm_release", "langfuse")["set_wo"]
    }
    key = "extraManifests.secret.data.redis-password"
    assert secrets[key] == "${base64encode(local.deps_redis_password)}"
    passwords = managed["app"].json["resource"]["random_password"]
    assert [name for name in passwords if "redis" in name] == []
    assert managed["deps"].outputs["redis_password"]["sensitive"] is True


def test_pod_claim_service_and_policy_leave_the_cluster(values: Values, there: Values) -> None:
    gone = set(values["extraManifests"]) - set(there["extraManifests"])
    assert gone == {"redis", "redisClaim", "redisService", "redisNetworkPolicy"}
    for pod in ("webNetworkPolicy", "workerNetworkPolicy"):
        assert there["extraManifests"][pod]["spec"]["policyTypes"] == ["Ingress"]


def test_only_the_switch_comes_before_langfuse(managed: Stacks) -> None:
    assert managed["app"].resource("helm_release", "langfuse")["depends_on"] == [
        "helm_release.langfuse-redis-switch",
        "aws_iam_role_policy_attachment.redis_is_used_by_app",
    ]


def test_backups_ask_elasticache(managed: Stacks) -> None:
    manifests = chart_values(managed["app"], "langfuse-backup")["manifests"]
    for name, spec in (
        ("last", manifests["last"]["spec"]),
        ("daily", manifests["daily"]["spec"]["jobTemplate"]["spec"]),
    ):
        (container,) = spec["template"]["spec"]["containers"]
        given = {each["name"]: each.get("value") for each in container["env"]}
        assert given["REDIS_HOST"] == HOST
        assert container["command"] == ["node", "/backup/redis_tls.js", name]
    assert set(manifests["script"]["data"]) == {SCRIPT.name, TLS_SCRIPT.name, LOADER.name}


def test_backup_connects_with_tls(tmp_path: Path) -> None:
    """`redis_tls.js` runs the backup's own script, with a client of Redis that has TLS."""
    for file in (SCRIPT, TLS_SCRIPT, LOADER):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    write_module(
        tmp_path,
        "ioredis",
        "module.exports = class { constructor(o) { console.log(JSON.stringify(o)); } on() {} };",
    )
    answers = "globalThis.fetch = async () => ({ ok: true, text: async () => '1' });"
    (tmp_path / "clickhouse.js").write_text(answers, encoding="utf-8")
    done = subprocess.run(  # noqa: S603
        [NODE, "--require", "./clickhouse.js", TLS_SCRIPT.name, "last"],
        cwd=tmp_path,
        env={"REDIS_HOST": "r", "REDIS_PORT": "6379"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.search(r'"host":"r","port":6379,.*"tls":\{\}', done.stdout), done


@pytest.fixture(scope="module")
def switch(managed: Stacks) -> Values:
    found: Values = chart_values(managed["app"], "langfuse-redis-switch")["manifests"]
    return found


def container(switch: Values, job: str) -> Values:
    (only,) = switch[job]["spec"]["template"]["spec"]["containers"]
    assert isinstance(only, dict)
    return only


def test_jobs_move_to_the_other_redis(switch: Values) -> None:
    for job, events, host in (
        ("there", "post-install,post-upgrade", HOST),
        ("back", "pre-delete", "langfuse-redis-master"),
    ):
        assert switch[job]["metadata"]["annotations"]["helm.sh/hook"] == events
        given = {each["name"]: each for each in container(switch, job)["env"]}
        assert given["REDIS_HOST"]["value"] == host
        assert given["QUEUES"]["value"].split(",") == [*QUEUES]
        # Before the first deploy there is no Secret.
        reference = given["REDIS_PASSWORD"]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "langfuse-secrets", "key": "redis-password", "optional": True}
        read = set(re.findall(r"\benv\.([A-Z0-9_]+)", SWITCH_SCRIPT.read_text(encoding="utf-8")))
        in_tests = {"POLL_SECONDS", "KUBERNETES_URL"}
        assert read - in_tests == set(given) - {"NODE_OPTIONS", "NODE_EXTRA_CA_CERTS"}


def test_account_reads_and_scales_web_and_worker_only(switch: Values) -> None:
    web_and_worker = ["langfuse-web", "langfuse-worker"]
    assert [
        (rule["resources"], rule.get("resourceNames"), rule["verbs"])
        for rule in switch["role"]["rules"]
    ] == [
        (["deployments"], web_and_worker, ["get"]),
        (["deployments/scale"], web_and_worker, ["patch"]),
        (["pods"], None, ["list"]),
    ]
    assert "annotations" not in switch["account"]["metadata"]


@pytest.mark.parametrize("durations", [LOCAL, REMOTE])
def test_failed_drain_is_learned_of(durations: Durations) -> None:
    """Helm waits for longer than Kubernetes lets the Job run, and it is not tried again."""
    manifests = redis_switch_values(image="i", redis="r", durations=durations)["manifests"]
    for name in ("there", "back"):
        spec = manifests[name]["spec"]
        assert durations.drain < spec["activeDeadlineSeconds"] < timeout(durations)
        assert spec["backoffLimit"] == 0


def test_remote_runs_get_the_permissions(with_options: WithOptions) -> None:
    workspaces = with_options("remote_runs", "elasticache")["workspaces"]
    policy = workspaces.resource("aws_iam_policy", "elasticache")
    assert policy["name"] == "langfuse-terraform-cloud-runs-elasticache"
    assert "elasticache:CreateReplicationGroup" in policy["policy"]
    assert "$" not in policy["policy"].replace("${data.aws_partition.partition.partition}", "")
    assert "elasticache" not in with_options("remote_runs")["workspaces"].text


def amounts(stacks: dict[str, Stack]) -> dict[str, float | None]:
    return {item.what: item.up for item in bill({name: each.json for name, each in stacks.items()})}


def test_price(stacks: Stacks, managed: Stacks) -> None:
    before, after = amounts(stacks), amounts(managed)
    assert after["1 x cache.t4g.micro"] == pytest.approx(9.344)
    changed = {what: up for what, up in after.items() if before.get(what) != up}
    assert set(changed) == {"1 x cache.t4g.micro", "20 GB gp3 volumes"}
    difference = sum(up or 0 for up in after.values()) - sum(up or 0 for up in before.values())
    assert difference == pytest.approx(9.344 - 2 * 0.08)


def test_unknown_node_type_is_not_priced(managed: Stacks) -> None:
    deps = managed["deps"].json
    module = {**deps["module"]["redis"], "node_type": "cache.r7g.large"}
    changed: dict[str, Any] = {**deps, "module": {**deps["module"], "redis": module}}
    (item,) = [each for each in bill({"deps": changed}) if "cache." in each.what]
    assert item.up is None


def test_nodes_are_spared_its_memory() -> None:
    pods = load_settings(ENV / "accepts.elasticache.env").pods
    assert pods == {name: size for name, size in sizing.core(3).items() if name != "Redis"}
    # One t3.medium is too small without it too: ClickHouse is the larger.
    assert sizing.shortage(1, "t3.medium", pods)


def test_page_names_every_object_that_is_made(managed: Stacks) -> None:
    page = (ROOT / "docs" / "elasticache.md").read_text(encoding="utf-8")
    (policy,) = managed["deps"].json["resource"]["aws_iam_policy"].values()
    for name in (policy["name"], "langfuse-redis-switch", "langfuse-redis-switch-back"):
        assert f"`{name}`" in page
