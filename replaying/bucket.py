"""Raw events in the bucket, accessed in the worker's pod with its IAM role."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from in_cluster.names import WORKER
from verification.cluster import Cluster

SCRIPT: Final = Path(__file__).with_name("bucket.js")
# Seconds for one step. S3 lists 1,000 keys per request.
TIMEOUT: Final = 1800
# Events that one run of the script copies.
BATCH: Final = 1000

# Prefix of the keys of events from OpenTelemetry SDKs.
OTEL: Final = "otel/"


def find(cluster: Cluster, since: datetime) -> list[str]:
    """Return the keys of the events stored since then, without the configured prefix."""
    return _run(cluster, "list", since.isoformat()).splitlines()


def stage(cluster: Cluster, keys: Sequence[str]) -> None:
    """Copy these events to the keys that Langfuse's replay reads (langfuse/langfuse#14427)."""
    for start in range(0, len(keys), BATCH):
        _run(cluster, "stage", stdin=json.dumps(keys[start : start + BATCH]))


def unstage(cluster: Cluster) -> None:
    """Delete all copies, also those of an interrupted replay."""
    _run(cluster, "unstage")


def _run(cluster: Cluster, *arguments: str, stdin: str = "") -> str:
    script = SCRIPT.read_text(encoding="utf-8")
    command = ("exec", "--stdin", f"deployment/{WORKER}", "--", "node", "-e", script, *arguments)
    return cluster.kubectl(*command, stdin=stdin, seconds=TIMEOUT)
