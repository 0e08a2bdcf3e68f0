"""The steps of a replay, in an order by which a failed one can be run again from the start."""

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
# The most keys that Langfuse takes at once (web/src/pages/api/admin/ingestion-replay.ts).
BATCH: Final = 1000
# Jobs that may wait in Redis before the next batch: at about 1 kB each, a tenth of its memory.
MOST_WAITING: Final = 40_000

# Seconds. Web's start runs migrations, and is given as long as by its liveness probe.
RESTART: Final = 600
# Seconds in which a batch is sent again: a forward may still lead to the pod that is going.
RETRY: Final = 120
PAUSE: Final = 5


def replay(cluster: Cluster, since: datetime, *, dry_run: bool) -> None:
    """Have Langfuse take in again what was stored since then, or only count it.

    Raises:
        CheckError: a step failed; running it again begins anew, and repeats nothing twice.

    """
    keys = bucket.find(cluster, since)
    otel = [key for key in keys if key.startswith(bucket.OTEL)]
    _say("found", f"{len(keys)} events since {since.isoformat()}, {len(otel)} of OpenTelemetry")
    if dry_run or not keys:
        return
    failed_before = queues.failed(cluster)
    bucket.stage(cluster, otel)
    _say("staged", f"{len(otel)} copies")
    with admin_key(cluster) as key:
        _say("ready", "web has restarted with a key for the replay")
        for start in range(0, len(keys), BATCH):
            wait(cluster, queues.ALL, most=MOST_WAITING)
            skipped = send(cluster, keys[start : start + BATCH], key)
            done = min(start + BATCH, len(keys))
            _say("queued", f"{done} of {len(keys)}" + (f", {skipped} skipped" if skipped else ""))
    # A job that finds its copy gone fails for good.
    wait(cluster, queues.OTEL)
    bucket.unstage(cluster)
    _say("removed", "the copies")
    wait(cluster, queues.ALL)
    if failed := queues.failed(cluster) - failed_before:
        message = (
            f"{failed} jobs failed; see uv run kubectl logs -n {NAMESPACE} deployment/{WORKER}"
        )
        raise CheckError(message)
    _say("done", "every queue is empty")


@contextmanager
def admin_key(cluster: Cluster) -> Iterator[str]:
    """Give web a new ADMIN_API_KEY and take it away again; each restarts web."""
    key = secrets.token_hex(32)
    try:
        # On standard input, so that it is in no list of processes.
        cluster.kubectl("set", "env", DEPLOYMENT, "--env=-", stdin=f"ADMIN_API_KEY={key}\n")
        _wait_for_web(cluster)
        yield key
    finally:
        cluster.kubectl("set", "env", DEPLOYMENT, "ADMIN_API_KEY-")


def _wait_for_web(cluster: Cluster) -> None:
    end = time.monotonic() + RESTART
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
            message = f"web has not restarted in {RESTART} s"
            raise CheckError(message)
        time.sleep(PAUSE)


def send(cluster: Cluster, keys: Sequence[str], key: str) -> int:
    """Have these events queued, and return how many Langfuse skipped.

    Raises:
        CheckError: web refuses, or does not answer.

    """
    end = time.monotonic() + RETRY
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
        time.sleep(PAUSE)


def wait(cluster: Cluster, names: Sequence[str], *, most: int = 0) -> None:
    """Wait until at most ``most`` jobs of these queues are unfinished."""
    before = None
    while (left := queues.unfinished(cluster, names)) > most:
        if left != before:
            _say("waiting", f"{left} jobs are unfinished")
        before = left
        time.sleep(PAUSE)


def _say(step: str, what: str) -> None:
    sys.stdout.write(f"{step:8} {what}\n")
    sys.stdout.flush()
