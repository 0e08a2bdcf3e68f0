"""Manifests of the backups: what they may do, what they are given, what begins them."""

import re
from pathlib import Path
from typing import Any, Final

import pytest
from cdktf import App

import sizing
import versions
from constructs_lib.helm_release import MANIFESTS_CHART
from in_cluster.backup_values import SCRIPT, SCRIPTS, backups_url
from tests.helpers.chart_values import Values, chart_values, item
from tests.helpers.stack import Stack
from tests.helpers.synthesis import Stacks, SynthesizeStack

HOOK: Final = "helm.sh/hook"
JOBS: Final = ("last", "resume", "daily")


def job(backups: Values, name: str) -> Values:
    spec: Values = backups[name]["spec"]
    return spec["jobTemplate"]["spec"] if name == "daily" else spec


def pod(backups: Values, name: str) -> Values:
    spec: Values = job(backups, name)["template"]["spec"]
    return spec


def container(backups: Values, name: str) -> Values:
    (only,) = pod(backups, name)["containers"]
    assert isinstance(only, dict)
    return only


def given(backups: Values, name: str) -> dict[str, Any]:
    return {each["name"]: each for each in container(backups, name)["env"]}


def test_chart_is_in_the_folder_of_the_stack(built: App, app: Stack) -> None:
    """A run in Terraform Cloud gets that folder, and nothing else."""
    chart = app.resource("helm_release", "langfuse-backup")["chart"]
    copy = Path(built.outdir, "stacks", "app", chart)
    assert {path.relative_to(copy) for path in copy.rglob("*")} == {
        path.relative_to(MANIFESTS_CHART) for path in MANIFESTS_CHART.rglob("*")
    }


def test_helm_backs_up_before_it_deletes_the_release(backups: Values) -> None:
    annotations = backups["last"]["metadata"]["annotations"]
    assert annotations[HOOK] == "pre-delete"
    # A failed one keeps its log until the next.
    assert annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded"


def test_deploy_starts_what_a_destroy_has_stopped(backups: Values) -> None:
    assert backups["resume"]["metadata"]["annotations"][HOOK] == "post-install,post-upgrade"


def test_hooks_are_no_objects_of_the_release(backups: Values) -> None:
    """Helm creates what is no hook, and would begin the last backup with it."""
    for name, manifest in backups.items():
        assert (HOOK in manifest["metadata"].get("annotations", {})) is (manifest["kind"] == "Job")
        assert (manifest["kind"] == "Job") is (name in {"last", "resume"})


def test_daily_one_follows_its_setting(
    app: Stack, backups: Values, synthesize_stack: SynthesizeStack, every_variable: Stacks
) -> None:
    daily = backups["daily"]["spec"]
    assert (daily["schedule"], daily["timeZone"]) == ("15 3 * * *", "Etc/UTC")
    assert daily["concurrencyPolicy"] == "Forbid"
    every = chart_values(every_variable["app"], "langfuse-backup")["manifests"]
    assert every["daily"]["spec"]["schedule"] == "30 */6 * * mon-fri"
    none = synthesize_stack("app", CLICKHOUSE_BACKUP_SCHEDULE="none")
    assert chart_values(none, "langfuse-backup")["manifests"] == {
        name: each for name, each in backups.items() if name != "daily"
    }
    assert chart_values(none) == chart_values(app)


@pytest.mark.parametrize("name", JOBS)
def test_pod_has_few_rights(backups: Values, name: str) -> None:
    assert pod(backups, name)["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": 1001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container(backups, name)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
    }


def test_account_may_scale_web_and_worker_and_list_pods(backups: Values) -> None:
    assert backups["role"]["rules"] == [
        {
            "apiGroups": ["apps"],
            "resources": ["deployments/scale"],
            "resourceNames": ["langfuse-web", "langfuse-worker"],
            "verbs": ["get", "patch"],
        },
        {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]},
    ]
    (subject,) = backups["roleBinding"]["subjects"]
    assert subject["name"] == backups["account"]["metadata"]["name"]
    assert {pod(backups, name)["serviceAccountName"] for name in JOBS} == {subject["name"]}


@pytest.mark.parametrize("name", JOBS)
def test_script_gets_what_it_reads(backups: Values, name: str) -> None:
    read = set(re.findall(r"\benv\.([A-Z0-9_]+)", SCRIPT.read_text(encoding="utf-8")))
    in_tests = {"POLL_SECONDS", "S3_ENDPOINT", "KUBERNETES_URL"}
    assert read - in_tests == set(given(backups, name)) - {"NODE_OPTIONS"}
    assert container(backups, name)["command"][-1] == name


def test_script_arrives_as_it_is(backups: Values) -> None:
    """Terraform takes `${` and `%{` for its own, unless they are doubled."""
    (mount,) = container(backups, "last")["volumeMounts"]
    (volume,) = pod(backups, "last")["volumes"]
    assert volume == {"name": mount["name"], "configMap": {"name": "langfuse-backup"}}
    (command,) = container(backups, "last")["command"][1:-1]
    folder, _, file = command.rpartition("/")
    assert folder == mount["mountPath"]
    texts = backups["script"]["data"]
    assert "$${" in texts[file]
    found = {name: text.replace("$${", "${").replace("%%{", "%{") for name, text in texts.items()}
    assert found == {each.name: each.read_text(encoding="utf-8") for each in SCRIPTS}


@pytest.mark.parametrize("name", JOBS)
def test_passwords_are_references(backups: Values, name: str) -> None:
    for variable, key in (
        ("CLICKHOUSE_PASSWORD", "clickhouse-password"),
        ("REDIS_PASSWORD", "redis-password"),
    ):
        reference = {"secretKeyRef": {"name": "langfuse-secrets", "key": key}}
        assert given(backups, name)[variable] == {"name": variable, "valueFrom": reference}


def test_stores_are_those_of_the_release(backups: Values, values: Values) -> None:
    found = {name: each.get("value") for name, each in given(backups, "daily").items()}
    for url, service in (
        (found["CLICKHOUSE_URL"], "langfuse-clickhouse"),
        (f"http://{found['REDIS_HOST']}:{found['REDIS_PORT']}", "langfuse-redis-master"),
    ):
        ports = item(values, "Service", service)["spec"]["ports"]
        assert url in {f"http://{service}:{each['port']}" for each in ports}


def test_backup_and_restore_name_the_same_place(backups: Values, values: Values) -> None:
    (clickhouse,) = values["extraManifests"]["clickhouse"]["spec"]["template"]["spec"]["containers"]
    restored_from = {each["name"]: each.get("value") for each in clickhouse["env"]}
    backed_up = {name: each.get("value") for name, each in given(backups, "last").items()}
    assert restored_from["BACKUPS_URL"] == backed_up["BACKUPS_URL"]
    assert backed_up["BACKUPS_BUCKET"] == values["s3"]["bucket"]
    assert backed_up["LANGFUSE_VERSION"] == versions.LANGFUSE_LINES[3].langfuse


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-central-1", "b.s3.eu-central-1.amazonaws.com"),
        ("us-gov-west-1", "b.s3.us-gov-west-1.amazonaws.com"),
        ("cn-north-1", "b.s3.cn-north-1.amazonaws.com.cn"),
    ],
)
def test_url_is_of_the_partition(region: str, host: str) -> None:
    assert backups_url(bucket="b", region=region) == f"https://{host}/clickhouse"


def test_count_of_backups_follows_its_setting(backups: Values, every_variable: Stacks) -> None:
    every = chart_values(every_variable["app"], "langfuse-backup")["manifests"]
    assert given(backups, "daily")["BACKUPS_KEPT"]["value"] == "7"
    assert given(every, "daily")["BACKUPS_KEPT"]["value"] == "14"


def test_image_is_the_worker_s(backups: Values, every_variable: Stacks) -> None:
    assert container(backups, "daily")["image"] == (
        f"langfuse/langfuse-worker:{versions.LANGFUSE_LINES[3].langfuse}"
    )
    every = chart_values(every_variable["app"], "langfuse-backup")["manifests"]
    assert container(every, "daily")["image"].startswith(
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com/mirror/docker.io/langfuse/langfuse-worker:"
    )


def test_failed_last_backup_is_not_tried_again(backups: Values) -> None:
    """It has started web and worker again."""
    assert job(backups, "last")["backoffLimit"] == 0


def test_heap_leaves_room_in_the_container(backups: Values) -> None:
    assert given(backups, "daily")["NODE_OPTIONS"]["value"] == "--max-old-space-size=128"
    assert sizing.BACKUP.heap_mib
    assert sizing.BACKUP.heap_mib <= sizing.BACKUP.memory_limit_mib * 3 // 4


def test_public_hostname_goes_after_the_last_backup(public: Stacks) -> None:
    """A failed backup stops the destroy with the hostname still there."""
    release = public["app"].resource("helm_release", "langfuse-backup")
    assert release["depends_on"] == ["helm_release.langfuse", "helm_release.traefik"]
