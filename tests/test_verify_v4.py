"""What verify.py says of Langfuse v4: its background migrations, and what it rejects."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from in_cluster.worker_modules import with_loader
from tests.helpers.kubectl import Kubectl
from tests.helpers.worker_image import write_module
from verification.checks import CHECKS_OF_V4
from verification.cluster import Cluster
from verification.migrations import SCRIPT, unfinished_migrations
from verification.rejected_events import MAX_LINES

# Prisma's client, as far as the script needs it.
PRISMA = """
exports.PrismaClient = class {
  backgroundMigration = {
    async findMany({ orderBy }) {
      if (orderBy.name !== "asc") throw new Error("another order");
      if (process.env.FAILS) throw new Error("\\nInvalid invocation:\\n\\nCan't reach database");
      const found = JSON.parse(process.env.ROWS);
      const dates = ["finishedAt", "failedAt", "lockedAt"];
      for (const row of found) for (const at of dates) row[at] &&= new Date(row[at]);
      return found;
    },
  };
  async $disconnect() { process.stderr.write("disconnected"); }
};
"""
GATE = "LANGFUSE_BACKGROUND_MIGRATION_V4_ENABLE_HISTORIC_BACKFILL"
DROP_GATE = "LANGFUSE_BACKGROUND_MIGRATION_V4_DROP_PID_TID_SORTING_TABLES"

OLD = "20260106_encrypt_blob_storage_secrets"
# Of Langfuse 4.16.0, as in 3.225.
STEPS = (
    "20260701_v4_step_1_create_root_spans_from_traces",
    "20260701_v4_step_2_rewrite_observations_to_pid_tid_sorting",
    "20260701_v4_step_3_backfill_events_full_from_observations",
    "20260701_v4_step_4_backfill_events_full_from_dataset_run_items",
)
DROP = "20260701_v4_step_5_drop_pid_tid_sorting_tables"


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def row(name: str = STEPS[0], **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - columns
    """Return a row of the table; the worker has not begun it unless ``fields`` say so.

    Times are seconds ago, counted from when the script runs.
    """
    nothing = dict.fromkeys(("finishedAt", "failedAt", "failedReason", "workerId", "lockedAt"))
    return {"name": name, "args": {}, "state": {}, **nothing, **fields}


def chunks(*statuses: str, error: str | None = None) -> dict[str, Any]:
    return {"todos": [{"status": status, "error": error} for status in statuses]}


def run_script(
    folder: Path, *rows: dict[str, Any], version: str = "4.16.0", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run the script as in the worker's image."""
    write_module(folder, "@prisma/client", PRISMA)
    (folder / "worker" / "package.json").write_text(f'{{"version": "{version}"}}', encoding="utf-8")
    table = [
        {key: ago(value) if key.endswith("At") and value else value for key, value in each.items()}
        for each in rows
    ]
    script = with_loader(SCRIPT)
    return subprocess.run(
        [shutil.which("node") or "node", "-e", script],
        cwd=folder,
        env={"ROWS": json.dumps(table), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


RUNNING: dict[str, Any] = {"workerId": "w", "lockedAt": 20}
OUT_OF_MEMORY = "Code: 241. DB::Exception: 'a prompt' (MEMORY_LIMIT_EXCEEDED) (version 26.8)"


@pytest.mark.parametrize(
    ("found", "status", "progress", "reason"),
    [
        (row(), "waiting", "", ""),
        (row(**RUNNING, state={"phase": "init"}), "running", "", ""),
        (row(**RUNNING, state=chunks("completed", "pending")), "running", "1 of 2 chunks", ""),
        (row(**RUNNING, state={"processedDris": 400}), "running", "400 dataset run items", ""),
        # Killed, and ended in good order.
        (row(workerId="w", lockedAt=61), "stalled", "", ""),
        (row(workerId="w", state=chunks("pending")), "stalled", "0 of 1 chunks", ""),
        (row(workerId="w", finishedAt=9), "finished", "", ""),
        (row(failedAt=9), "failed", "", "no reason given"),
        (row(failedAt=9, failedReason=f"{'x' * 300}\nmore"), "failed", "", "x" * 200),
        (
            row(
                failedAt=9,
                failedReason="\n1 failed chunk(s)\nmore",
                state=chunks("failed", error=OUT_OF_MEMORY),
            ),
            "failed",
            "0 of 1 chunks",
            "1 failed chunk(s) (MEMORY_LIMIT_EXCEEDED)",
        ),
    ],
)
def test_script_reads_a_row(
    tmp_path: Path, found: dict[str, Any], status: str, progress: str, reason: str
) -> None:
    done = run_script(tmp_path, found)
    assert json.loads(done.stdout) == [
        {"name": STEPS[0], "status": status, "progress": progress, "reason": reason}
    ]
    assert (done.returncode, done.stderr) == (0, "disconnected")


@pytest.mark.parametrize(
    ("gate", "version", "environment", "status"),
    [
        (GATE, "4.16.0", {}, "waiting"),
        (GATE, "3.225.11", {}, "dormant"),
        (GATE, "3.225.11", {GATE: "true"}, "waiting"),
        (GATE, "4.16.0", {GATE: "false"}, "dormant"),
        (DROP_GATE, "4.16.0", {}, "dormant"),
        (DROP_GATE, "4.16.0", {DROP_GATE: "true"}, "waiting"),
    ],
)
def test_script_knows_what_is_switched_off(
    tmp_path: Path, gate: str, version: str, environment: dict[str, str], status: str
) -> None:
    found = row(args={"envGate": gate})
    done = run_script(tmp_path, found, version=version, **environment)
    assert json.loads(done.stdout)[0]["status"] == status


def test_script_does_not_reach_the_database(tmp_path: Path) -> None:
    done = run_script(tmp_path, FAILS="1")
    assert (done.returncode, done.stderr) == (1, "Error: Can't reach database\n")


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    return Kubectl(tmp_path)


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


@pytest.fixture(autouse=True)
def _stand_in_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")


def line(cluster: Cluster, part: str) -> tuple[bool, str]:
    (check,) = [check for check in CHECKS_OF_V4 if check.part == part]
    ok, text = check.line(cluster)
    assert text.startswith(f"{part:12} ")
    return ok, text[13:]


def migration(name: str, status: str, progress: str = "", reason: str = "") -> dict[str, str]:
    return {"name": name, "status": status, "progress": progress, "reason": reason}


def steps(*statuses: str, progress: str = "") -> list[dict[str, str]]:
    """Return the four steps of the backfill, and the one after it, which is switched off."""
    four = [migration(*each, progress) for each in zip(STEPS, statuses, strict=True)]
    return [migration(OLD, "finished"), *four, migration(DROP, "dormant")]


SEE = "; see docs/langfuse-4.md#while-it-runs"
NONE_LEFT = ("finished",) * 4
AT_STEP_3 = ("finished", "finished", "running", "waiting")


@pytest.mark.parametrize(
    ("found", "ok", "said"),
    [
        (steps(*NONE_LEFT), True, "ok   done"),
        ([migration(OLD, "finished")], True, "ok   done"),
        (steps(*AT_STEP_3, progress="12 of 40 chunks"), True, "ok   step 3 of 4, 12 of 40 chunks"),
        (steps(*AT_STEP_3), True, "ok   step 3 of 4"),
        (steps(*["waiting"] * 4), True, "ok   step 1 of 4 begins when the worker restarts"),
        (steps(*["dormant"] * 4), True, "ok   switched off, 4 steps are left"),
        ([migration(OLD, "running")], True, f"ok   {OLD}"),
        (
            steps("finished", "stalled", "waiting", "waiting"),
            False,
            f"step 2 of 4 has stopped, no worker runs it{SEE}",
        ),
        (
            # The first of them is the cause.
            [
                migration(STEPS[1], "failed", "", "1 failed chunk(s) (MEMORY_LIMIT_EXCEEDED)"),
                migration(STEPS[2], "failed", "", f"Prerequisite migration {STEPS[1]} failed"),
            ],
            False,
            f"{STEPS[1]} failed: 1 failed chunk(s) (MEMORY_LIMIT_EXCEEDED){SEE}",
        ),
    ],
)
def test_progress_of_the_backfill(
    cluster: Cluster, kubectl: Kubectl, found: list[dict[str, str]], said: str, *, ok: bool
) -> None:
    kubectl.rule(
        "*exec?deployment/langfuse-worker*./worker/entrypoint.sh?node*",
        f"echo '{json.dumps(found)}'",
    )
    assert line(cluster, "backfill") == (ok, said)


def test_backfill_is_unreadable(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.rule("*exec*", 'echo "Error: Can\'t reach database" >&2; exit 1')
    assert line(cluster, "backfill") == (False, f"Error: Can't reach database{SEE}")


def test_migrations_that_an_upgrade_waits_for(cluster: Cluster, kubectl: Kubectl) -> None:
    statuses = ("waiting", "running", "stalled", "failed", "finished", "dormant")
    found = [migration(status, status) for status in statuses]
    kubectl.rule("*exec*", f"echo '{json.dumps(found)}'")
    assert unfinished_migrations(cluster) == ["waiting", "running", "stalled", "failed"]


# As Langfuse 4.16.0 writes it, with the chart's default format and with the other one.
TEXT = (
    "2026-11-27T10:00:00.000Z warn \tRejected {events} event(s) from the legacy"
    " /api/public/ingestion endpoint for project {project} because this Langfuse v4 deployment runs"
    " in events_only mode. These events were not stored. Upgrade the client or integration"
)
JSON = (
    '{{"level":"warn","message":"Rejected {events} event(s) from the legacy /api/public/ingestion'
    ' endpoint for project {project} because this","sdkName":"{sdk}","sdkVersion":"{version}"}}'
)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (
            [TEXT.format(events=9, project="a"), TEXT.format(events=1200, project="b"), "GET /"],
            "2 requests with 1,209 events in 24 h, project a, project b",
        ),
        (
            [
                JSON.format(events=1, project="a", sdk="python", version="2.60.3"),
                JSON.format(events=1, project="a", sdk="@langfuse/core", version="unknown"),
                JSON.format(events=1, project="a", sdk="anything else; here", version="1"),
            ],
            "3 requests with 3 events in 24 h, @langfuse/core unknown, project a, python 2.60.3",
        ),
    ],
    ids=["text", "json"],
)
def test_old_sdk_is_rejected(
    cluster: Cluster, kubectl: Kubectl, tmp_path: Path, log: list[str], said: str
) -> None:
    (tmp_path / "log").write_text("\n".join(log), encoding="utf-8")
    kubectl.rule(
        f"*logs?deployment/langfuse-web?--since=24h?--tail={MAX_LINES}", f"cat {tmp_path}/log"
    )
    see = "see docs/langfuse-4.md#what-changes-for-sdks-and-api-users"
    assert line(cluster, "sdk traffic") == (False, f"rejected: {said}; {see}")


def test_other_lines_of_the_log_are_no_rejection(cluster: Cluster, kubectl: Kubectl) -> None:
    kubectl.rule("*logs*", "echo 'warn Rejecting unprocessable OTEL trace export'")
    assert line(cluster, "sdk traffic") == (True, "ok   nothing rejected in 24 h")
