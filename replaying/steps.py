"""The steps of a replay; after a failure it can run again from the start."""

import secrets
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

import httpx

from in_cluster.names import NAMESPACE, WEB, WEB_PORT, WORKER
from replaying import bucket, queues
from verification.cluster import NO_TLS, TIMEOUT, CheckError, Cluster

DEPLOYMENT: Final = f"deployment/{WEB}"
PATH: Final = "/api/admin/ingestion-replay"
# Maximum of keys per request (web/src/pages/api/admin/ingestion-replay.ts in Langfuse).
BATCH: Final = 1000
# Jobs in the queues above which no batch is sent: at about 1 kB each, a tenth of Redis' memory.
MAX_WAITING_JOBS: Final = 40_000

# Seconds for web to restart, as many as its liveness probe allows: the start runs migrations.
RESTART_TIMEOUT: Final = 600
# Seconds for which a failed batch is retried: a port-forward may still reach the old pod.
RETRY_TIMEOUT: Final = 120
# Seconds between two polls or retries.
POLL_INTERVAL: Final = 5


def replay(cluster: Cluster, since: datetime, *, dry_run: bool) -> None:
    """Let Langfuse ingest the events again that were stored since then.

    Args:
        cluster: the cluster.
        since: time of the oldest event.
        dry_run: only print the number of events.

    Raises:
        CheckError: a step failed. Another replay starts from the beginning and duplicates nothing.

    """
    keys = bucket.find(cluster, since)
    otel = [key for key in keys if key.startswith(bucket.OTEL)]
    _print_step(
        "found", f"{len(keys)} events since {since.isoformat()}, {len(otel)} of OpenTelemetry"
    )
    if dry_run or not keys:
        return
    failed_before = queues.failed(cluster)
    bucket.stage(cluster, otel)
    _print_step("staged", f"{len(otel)} copies")
    with admin_key(cluster) as key:
        _print_step("ready", "web has restarted with a key for the replay")
        for start in range(0, len(keys), BATCH):
            wait(cluster, queues.ALL, most=MAX_WAITING_JOBS)
            skipped = send(cluster, keys[start : start + BATCH], key)
            done = min(start + BATCH, len(keys))
            _print_step(
                "queued", f"{done} of {len(keys)}" + (f", {skipped} skipped" if skipped else "")
            )
    # Copies must exist until their jobs are done: a job without its copy fails permanently.
    wait(cluster, queues.OTEL)
    bucket.unstage(cluster)
    _print_step("removed", "the copies")
    wait(cluster, queues.ALL)
    if failed := queues.failed(cluster) - failed_before:
        message = (
            f"{failed} jobs failed; see uv run kubectl logs -n {NAMESPACE} deployment/{WORKER}"
        )
        raise CheckError(message)
    _print_step("done", "every queue is empty")


@contextmanager
def admin_key(cluster: Cluster) -> Iterator[str]:
    """Set a random ADMIN_API_KEY in web, yield it, and remove it; both restart web.

    Raises:
        CheckError: web did not restart in ``RESTART_TIMEOUT`` seconds.

    """
    key = secrets.token_hex(32)
    try:
        # Standard input keeps the key out of the list of processes.
        cluster.kubectl("set", "env", DEPLOYMENT, "--env=-", stdin=f"ADMIN_API_KEY={key}\n")
        _wait_for_web(cluster)
        yield key
    finally:
        cluster.kubectl("set", "env", DEPLOYMENT, "ADMIN_API_KEY-")


def _wait_for_web(cluster: Cluster) -> None:
    end = time.monotonic() + RESTART_TIMEOUT
    while True:
        found = cluster.get(DEPLOYMENT)
        status, wanted = found["status"], found["spec"]["replicas"]
        if (
            status.get("observedGeneration", 0) >= found["metadata"]["generation"]
            and status.get("updatedReplicas", 0) >= wanted
            and status.get("availableReplicas", 0) >= wanted
            and not status.get("unavailableReplicas", 0)
        ):
            return
        if time.monotonic() > end:
            message = f"web has not restarted in {RESTART_TIMEOUT} s"
            raise CheckError(message)
        time.sleep(POLL_INTERVAL)


def send(cluster: Cluster, keys: Sequence[str], key: str) -> int:
    """Let Langfuse queue these events, and return how many it skipped.

    Args:
        cluster: the cluster.
        keys: keys of at most ``BATCH`` events.
        key: the ADMIN_API_KEY.

    Raises:
        CheckError: every attempt in ``RETRY_TIMEOUT`` seconds failed.

    """
    end = time.monotonic() + RETRY_TIMEOUT
    while True:
        try:
            with cluster.forward(f"svc/{WEB}", WEB_PORT) as port:
                answer = httpx.post(
                    f"http://127.0.0.1:{port}{PATH}",
                    json={"keys": list(keys)},
                    headers={"Authorization": f"Bearer {key}"},
                    timeout=4 * TIMEOUT,
                    verify=NO_TLS,
                    trust_env=False,
                )
            if answer.status_code == httpx.codes.OK:
                return int(answer.json()["skipped"])
            message = f"{PATH} answers {answer.status_code}"
        except httpx.HTTPError as error:
            message = f"{PATH} does not answer ({type(error).__name__})"
        except CheckError as error:
            message = str(error)
        if time.monotonic() > end:
            raise CheckError(message)
        time.sleep(POLL_INTERVAL)


def wait(cluster: Cluster, names: Sequence[str], *, most: int = 0) -> None:
    """Wait until at most ``most`` jobs of these queues are unfinished."""
    before = None
    while (left := queues.unfinished(cluster, names)) > most:
        if left != before:
            _print_step("waiting", f"{left} jobs are unfinished")
        before = left
        time.sleep(POLL_INTERVAL)


def _print_step(step: str, what: str) -> None:
    sys.stdout.write(f"{step:8} {what}\n")
    sys.stdout.flush()
