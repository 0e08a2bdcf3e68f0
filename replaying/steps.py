"""A replay: replay.js in the worker's pod, and what it says."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from in_cluster.names import NAMESPACE, WORKER
from in_cluster.worker_modules import with_loader
from progress import Progress
from verification.cluster import CheckError, Cluster

SCRIPT: Final = Path(__file__).with_name("replay.js")
# Size of V8's old space, in MiB: the script shares the memory limit of the worker.
HEAP_MIB: Final = 96
LOGS: Final = f"uv run kubectl logs -n {NAMESPACE} deployment/{WORKER}"
# Events that one request to Redis queues; the checkpoint is after each.
BATCH: Final = 500
# Jobs in the queues above which no batch is queued. Live events share a queue with replayed ones:
# a short one lets them through in seconds. At about 1 kB a job it takes 2 MB of Redis.
MAX_WAITING_JOBS: Final = 2_000
# Seconds between two polls.
POLL_INTERVAL: Final = 2.0
# Seconds in which some job must end: one is tried six times in 155 s.
STALLED: Final = 600.0
# Seconds to wait for rows after their jobs: the worker writes rows a second later, or at its next
# attempt.
SETTLE: Final = 60.0
# How the steps of the script name what they count.
KINDS: Final = {
    "otel": "OpenTelemetry",
    "trace": "trace",
    "observation": "observation",
    "score": "score",
    "dataset_run_item": "dataset run item",
}
# What is below the prefix and no event.
OTHER: Final = "other"
# Rows that Langfuse itself leaves out, if their dataset or run was deleted.
OPTIONAL: Final = "dataset_run_item"

LIMITS: Final = (
    "not back: events whose objects the bucket no longer has; what never reached it. Deleted traces"
    " may have come back (docs/operations.md, Replay traces)"
)


def replay(
    cluster: Cluster, *, since: str, marker: str, dry_run: bool = False, restart: bool = False
) -> None:
    """Let Langfuse ingest its raw events again, and compare ClickHouse with them.

    Args:
        cluster: the cluster.
        since: ISO time of the oldest event.
        marker: what ClickHouse was restored from; a replay is not continued on another ClickHouse.
        dry_run: only count the events.
        restart: do not continue an interrupted replay.

    Raises:
        CheckError: a step failed, jobs failed, or rows are missing.

    """
    options = {
        "since": since,
        "restored": marker,
        "dryRun": dry_run,
        "restart": restart,
        "batch": BATCH,
        "maxWaiting": MAX_WAITING_JOBS,
        "pollMs": POLL_INTERVAL * 1000,
        "stalledMs": STALLED * 1000,
        "settleMs": SETTLE * 1000,
    }
    script = with_loader(SCRIPT)
    node = ("node", f"--max-old-space-size={HEAP_MIB}", "-e", script, json.dumps(options))
    result: dict[str, Any] = {}
    with (
        Progress() as progress,
        closing(cluster.stream("exec", "--stdin", f"deployment/{WORKER}", "--", *node)) as lines,
    ):
        for line in lines:
            said = json.loads(line)
            if said["step"] == "result":
                result = said
            else:
                _show(progress, said)
    if not dry_run:
        _judge(result)


def _show(progress: Progress, said: Mapping[str, Any]) -> None:
    match said["step"]:
        case "listing":
            progress.under_way("listing", f"{said['listed']:,} events")
        case "continues":
            progress.step("continues", f"an interrupted replay, after {said['queued']:,} events")
        case "anew":
            text = f"an interrupted replay since {said['since']} was another one; this one is new"
            progress.step("begins", text)
        case "found":
            days: dict[str, dict[str, int]] = said["days"]
            sums: Counter[str] = Counter()
            for kinds in days.values():
                sums.update(kinds)
            progress.step("found", _kinds(sums))
            for day, kinds in sorted(days.items()):
                progress.step("", f"{day}  {_kinds(kinds)}")
        case "waiting":
            progress.under_way("waiting", f"{said['left']:,} jobs are unfinished")
        case step:
            progress.bar(step, said["done"], said["total"])


def _kinds(counts: Mapping[str, int]) -> str:
    each = [f"{counts[kind]:,} {name}" for kind, name in KINDS.items() if counts.get(kind)]
    others = counts.get(OTHER, 0)
    text = f"{sum(counts.values()) - others:,} events" + (f": {', '.join(each)}" if each else "")
    return text + (f"; {others:,} other objects" if others else "")


def _judge(result: Mapping[str, Any]) -> None:
    """Print the counts, and raise if something is missing."""
    if not result:
        message = "the script ended early"
        raise CheckError(message)
    progress = Progress()
    found: dict[str, dict[str, int]] = result.get("found", {})
    for kind, rows in found.items():
        text = f"{rows['there']:,} of {rows['wanted']:,} {KINDS[kind]}s are in ClickHouse"
        progress.step("compared", text)
    missing = sum(
        rows["wanted"] - rows["there"] for kind, rows in found.items() if kind != OPTIONAL
    )
    if failed := result["failed"]:
        message = f"{failed:,} jobs failed, the last with: {result['reason']}. See {LOGS}"
        raise CheckError(message)
    if missing:
        message = f"{missing:,} rows are missing, such as {result['missing'][0]}. See {LOGS}"
        raise CheckError(message)
    progress.step("done", f"{result['queued']:,} events; {LIMITS}")
