"""A ClickHouse of the user's own, asked from inside the worker's pod: nobody else may reach it."""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from in_cluster.names import NAMESPACE, WORKER
from in_cluster.own_clickhouse_values import SCRIPT, WAIT_CONTAINER, question
from verification.check import Reading
from verification.cluster import CheckError, Cluster

REMEDY: Final = (
    "see docs/own-clickhouse.md#if-it-does-not-answer, and "
    f"uv run kubectl logs -n {NAMESPACE} deployment/{WORKER} -c {WAIT_CONTAINER}"
)
# With these, the page of scores of Langfuse 3 answers 500 (langfuse/langfuse#15977).
_WITHOUT_SCORES: Final = ((26, 5), (26, 8))
_LANGFUSE_3: Final = 3


@dataclass(frozen=True, kw_only=True)
class Server:
    """What the server says of itself."""

    major: int
    """Major version of the Langfuse that it is judged for."""
    version: str
    timezone: str
    faults: tuple[str, ...]
    """Why Langfuse cannot use it, each to follow the name of the server."""


def read_server(cluster: Cluster, major: int | None = None) -> Server:
    """Ask the server, with the worker's own login.

    Args:
        cluster: the cluster.
        major: major version of Langfuse that it is judged for; None for the worker's.

    Raises:
        CheckError: the pod cannot be reached, or the server does not answer or refuses.

    """
    script = SCRIPT.read_text(encoding="utf-8")
    node = ("node", "-e", script, question(major))
    said = cluster.kubectl("exec", f"deployment/{WORKER}", "--", *node)
    try:
        found: dict[str, Any] = json.loads(said)
        return Server(
            major=found["major"],
            version=found["version"],
            timezone=found["timezone"],
            faults=tuple(found["faults"]),
        )
    except (ValueError, KeyError):
        message = "the script in the worker's pod ended without an answer"
        raise CheckError(message) from None


def judge(cluster: Cluster, url: str) -> Reading:
    """Check that Langfuse can use the server, and return its version.

    Args:
        cluster: the cluster.
        url: URL of the server, as the worker has it.

    """
    host = url.rpartition("/")[2]
    try:
        server = read_server(cluster)
    except CheckError as error:
        return Reading(f"{host}: {error}; {REMEDY}", {}, "failed")
    values = {"version": server.version, "timezone": server.timezone}
    if server.faults:
        faults = "; it ".join(server.faults)
        return Reading(f"{host} {faults}; see docs/own-clickhouse.md", values, "failed")
    text = f"{server.version} in {server.timezone} at {host}"
    first, last = _WITHOUT_SCORES
    if server.major == _LANGFUSE_3 and first <= _numbers(server.version) < last:
        text += ": pages of scores fail with it and Langfuse 3; use 26.3 or earlier, or 26.8"
        return Reading(text, values, "warning")
    return Reading(text, values)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(each) for each in re.findall(r"\d+", version)[:2])
