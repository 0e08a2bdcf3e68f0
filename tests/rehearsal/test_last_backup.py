"""A destroy of app backs ClickHouse up first: it waits, fails with it, is mended, or goes without.

Nothing runs in a simulated pod, so a step ends the backup's pod itself; the programs are those of
`test_backups`.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from in_cluster.names import BACKUP, LAST_BACKUP, NAMESPACE, RELEASE, RESUME
from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import Environment, wait_until
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.stand_ins.kwok_stages import HELD
from tests.rehearsal.test_app import items, wait_for_all_pods

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

OF_LAST_BACKUP = ("-l", f"batch.kubernetes.io/job-name={LAST_BACKUP}")


def hold(plane: ControlPlane, *names: str) -> None:
    """Have the backups' pods run until a step ends them; without names, complete by themselves."""
    secrets = json.dumps({"imagePullSecrets": [{"name": name} for name in names]})
    plane.kubectl("patch", "serviceaccount", BACKUP, "-n", NAMESPACE, "--type=merge", "-p", secrets)


def running(plane: ControlPlane) -> list[str]:
    """Return the names of the last backup's pods that run."""
    return [
        pod["metadata"]["name"]
        for pod in items(plane, "pods", *OF_LAST_BACKUP)
        if pod["status"].get("phase") == "Running"
    ]


def end(plane: ControlPlane, phase: str) -> None:
    """End the last backup's pod: with ``Succeeded`` or ``Failed``."""
    (name,) = running(plane)
    status = json.dumps({"status": {"phase": phase}})
    target = ("pod", name, "-n", NAMESPACE, "--subresource=status")
    plane.kubectl("patch", *target, "--type=merge", "-p", status)


def status(plane: ControlPlane, release: str) -> str | None:
    """Return the status that Helm keeps of a release; None if it keeps none."""
    found = items(plane, "secrets", "-l", f"owner=helm,name={release}")
    labels = [secret["metadata"]["labels"] for secret in found]
    statuses = {int(each["version"]): str(each["status"]) for each in labels}
    return statuses[max(statuses)] if statuses else None


def langfuse(plane: ControlPlane) -> dict[str, Any]:
    """Return what a failed destroy must not have touched."""
    pods = items(plane, "pods", "-l", f"app.kubernetes.io/instance={RELEASE}")
    return {
        "pods": sorted(pod["metadata"]["uid"] for pod in pods),
        "generations": {
            each["metadata"]["name"]: each["metadata"]["generation"]
            for each in items(plane, "deployments,statefulsets")
        },
        "status": status(plane, RELEASE),
    }


@contextmanager
def destroying(environment: Environment, plane: ControlPlane) -> Iterator[subprocess.Popen[str]]:
    """Start a destroy of app, and yield it as soon as the last backup runs."""
    installation = environment.installation
    folder = installation.folder / "cdktf.out" / "stacks" / "app"
    destroy = ("apply", "-destroy", "-auto-approve", "-input=false", "-no-color")
    process = installation.start("terraform", *destroy, cwd=folder)
    try:
        wait_until(lambda: bool(running(plane)) or process.poll() is not None)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def fail_to_destroy(environment: Environment, plane: ControlPlane) -> None:
    """Run a destroy of app whose last backup fails."""
    hold(plane, HELD)
    with destroying(environment, plane) as process:
        end(plane, "Failed")
        said, _ = process.communicate()
    assert process.returncode == 1, said
    hold(plane)


def documented(pattern: str) -> list[str]:
    """Return the commands of operations.md that match, without `uv run`, each once."""
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    found = dict.fromkeys(re.findall(rf"uv run ({pattern}.*)", page))
    assert found, pattern
    return [*found]


def forget_record(plane: ControlPlane) -> None:
    """Delete Helm's record of the backups' release, by the documented command."""
    (command,) = documented("kubectl delete secret -n langfuse -l owner=helm,name=langfuse-backup")
    plane.kubectl(*command.split()[1:])


def test_app_is_deployed_with_its_backups(environment: Environment, plane: ControlPlane) -> None:
    """App's deploy ends with the daily backup scheduled, and no Job left behind."""
    environment.stand_in_for_network()
    environment.stand_in_for_deps()
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    (cron,) = items(plane, "cronjobs")
    assert cron["spec"]["schedule"] == "15 3 * * *"
    assert items(plane, "jobs") == []
    environment.installation.assert_nothing_to_do("app")


def test_rights_of_the_backup_s_account(plane: ControlPlane) -> None:
    """Its service account may scale web and worker and list pods, and may not read Secrets."""
    account = f"--as=system:serviceaccount:{NAMESPACE}:{BACKUP}"
    may = ("auth", "can-i", "-n", NAMESPACE, account)
    for name in ("langfuse-web", "langfuse-worker"):
        assert plane.kubectl(*may, "patch", f"deployment/{name}", "--subresource=scale") == "yes\n"
    assert plane.kubectl(*may, "list", "pods") == "yes\n"
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": account.removeprefix("--as="),
            "resourceAttributes": {"namespace": NAMESPACE, "verb": "get", "resource": "secrets"},
        },
    }
    allowed = "--output=jsonpath={.status.allowed}"
    assert plane.kubectl("create", "--filename=-", allowed, manifest=review) == "false"


def test_script_arrives_unchanged(plane: ControlPlane) -> None:
    """Terraform and Helm hand the programs on as they are in the repository."""
    configuration = {each["metadata"]["name"]: each for each in items(plane, "configmaps")}
    for name, file in (
        (BACKUP, "backup.js"),
        (BACKUP, "worker_modules.js"),
        ("langfuse-restore", "restore.sh"),
    ):
        assert configuration[name]["data"][file] == (ROOT / "in_cluster" / file).read_text("utf-8")


def test_daily_backup_runs(plane: ControlPlane) -> None:
    """A Job made of the CronJob is placed beside the worker, and completes."""
    plane.kubectl("create", "job", "now", f"--from=cronjob/{BACKUP}", "-n", NAMESPACE)
    plane.kubectl("wait", "job/now", "-n", NAMESPACE, "--for=condition=Complete", "--timeout=60s")
    (pod,) = items(plane, "pods", "-l", "batch.kubernetes.io/job-name=now")
    assert pod["spec"]["nodeName"] == wait_for_all_pods_but_jobs(plane)["worker"]
    plane.kubectl("delete", "job/now", "-n", NAMESPACE, "--wait")


def wait_for_all_pods_but_jobs(plane: ControlPlane) -> dict[str, str]:
    pods = items(plane, "pods", "-l", f"app.kubernetes.io/instance={RELEASE}")
    return {pod["metadata"]["name"].split("-")[1]: pod["spec"]["nodeName"] for pod in pods}


def test_failed_backup_stops_the_destroy(environment: Environment, plane: ControlPlane) -> None:
    """While the backup runs, nothing goes; when it fails, so does the destroy, with Langfuse there.

    Its Job stays, with its log.
    """
    before = langfuse(plane)
    hold(plane, HELD)
    with destroying(environment, plane) as process:
        assert langfuse(plane) == before
        end(plane, "Failed")
        said, _ = process.communicate()
    assert process.returncode == 1, said
    assert LAST_BACKUP in said
    assert langfuse(plane) == before
    assert before["status"] == "deployed"
    assert status(plane, BACKUP) == "uninstalling"
    assert [job["metadata"]["name"] for job in items(plane, "jobs")] == [LAST_BACKUP]


def test_destroy_can_be_run_again(environment: Environment, plane: ControlPlane) -> None:
    """Once the reason is mended, another destroy backs up, and then nothing is left."""
    hold(plane)
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert (status(plane, RELEASE), status(plane, BACKUP)) == (None, None)
    assert items(plane, "jobs") == []


def test_second_life_keeps_a_changed_schedule(
    environment: Environment, plane: ControlPlane
) -> None:
    """The next deploy installs it again; a change of the schedule is an update in place."""
    environment.installation.apply("app")
    wait_for_all_pods(plane)
    environment.installation.change_env(CLICKHOUSE_BACKUP_SCHEDULE="none")
    said = environment.installation.deploy("app")
    assert "Plan: 0 to add, 1 to change, 0 to destroy." in said
    assert items(plane, "cronjobs") == []


def test_changed_hook_needs_helm_s_record_deleted(
    environment: Environment, plane: ControlPlane
) -> None:
    """After a failed destroy, a change of the backups is refused until Helm's record is deleted."""
    fail_to_destroy(environment, plane)
    environment.installation.change_env(
        CLICKHOUSE_BACKUPS_KEPT="3", CLICKHOUSE_BACKUP_SCHEDULE="0 6 * * mon"
    )
    said = environment.installation.deploy("app", status=1)
    assert "has no deployed releases" in said
    forget_record(plane)
    environment.installation.apply("app")
    assert status(plane, BACKUP) == "deployed"
    (cron,) = items(plane, "cronjobs")
    assert cron["spec"]["schedule"] == "0 6 * * mon"
    (container,) = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    assert {"name": "BACKUPS_KEPT", "value": "3"} in container["env"]
    environment.installation.assert_nothing_to_do("app")


def test_killed_while_it_backs_up(environment: Environment, plane: ControlPlane) -> None:
    """Killed (SIGKILL) while the backup runs, the destroy can be run again, and backs up again."""
    hold(plane, HELD)
    environment.kill("destroy", "app", once=lambda: bool(running(plane)))
    environment.unlock("app")
    (first,) = running(plane)
    with destroying(environment, plane) as process:
        wait_until(lambda: running(plane) not in ([], [first]))
        assert status(plane, RELEASE) == "deployed"
        end(plane, "Succeeded")
        said, _ = process.communicate()
    assert process.returncode == 0, said
    wait_until(lambda: plane.left_in(NAMESPACE) == [])


def test_deploy_after_half_a_destroy_starts_langfuse(
    environment: Environment, plane: ControlPlane
) -> None:
    """Where only the backups' release was destroyed, a deploy runs the Job that starts Langfuse.

    Cannot prove: that the Job does; `test_backups` runs its program.
    """
    environment.installation.apply("app")
    wait_for_all_pods(plane)
    begun = made(plane, RESUME)
    target = f"-target=helm_release.{BACKUP}"
    environment.installation.apply("app", "-destroy", target)
    assert status(plane, RELEASE) == "deployed"
    environment.installation.apply("app")
    assert made(plane, RESUME) == begun + 1


def made(plane: ControlPlane, job: str) -> int:
    """Return how many pods were made for a Job, by the events of the last hour."""
    events = items(plane, "events", "--field-selector=reason=SuccessfulCreate")
    return sum(each.get("count") or 1 for each in events if each["involvedObject"]["name"] == job)


def test_broken_clickhouse_goes_without_a_backup(
    environment: Environment, plane: ControlPlane
) -> None:
    """The documented escape: the backups' release leaves the state, and app is destroyed."""
    fail_to_destroy(environment, plane)
    (command,) = documented("terraform -chdir=cdktf.out/stacks/app state rm")
    environment.installation.run(*command.split())
    forget_record(plane)
    environment.installation.apply("app", "-destroy")
    wait_until(lambda: not items(plane, "pods", "-l", f"app.kubernetes.io/instance={RELEASE}"))
    assert items(plane, "persistentvolumeclaims") == []


def test_next_deploy_takes_over_what_the_escape_has_left(
    environment: Environment, plane: ControlPlane
) -> None:
    """A deploy after it installs all of it; a destroy backs up as ever, in the third life."""
    assert [each["metadata"]["name"] for each in items(plane, "cronjobs")] == [BACKUP]
    environment.installation.apply("app")
    assert status(plane, BACKUP) == "deployed"
    environment.installation.apply("app", "-destroy")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    assert items(plane, "cronjobs,jobs,serviceaccounts", "-l", "app.kubernetes.io/managed-by") == []
