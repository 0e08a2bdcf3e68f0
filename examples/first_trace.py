"""Sends a trace, reads it back, adds it to a dataset and scores it.

    uv run --group examples examples/first_trace.py

Needs API keys of the project: in LANGFUSE_PUBLIC_KEY and LANGFUSE_SECRET_KEY, or, with
LANGFUSE_PROJECT_KEYS=true, in the cluster, where kubectl reads them. Optional: LANGFUSE_HOST, the
URL of Langfuse (default http://localhost:3000; if nothing listens at a local port, kubectl forwards
it), and LANGFUSE_TRACE_TIMEOUT, seconds to wait for the trace (default 60).

Langfuse v3 and v4 differ in how observations are read: v3 answers 404 for
/api/public/v2/observations, and v4 for /api/public/observations and /api/public/traces.
"""

import base64
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import IO, Final, TypeVar, cast
from urllib.parse import urlsplit

import httpx
from langfuse import Langfuse
from langfuse.api import ObservationsView, ObservationV2, UnauthorizedError
from langfuse.api.core import ApiError

T = TypeVar("T")

HOST: Final = os.environ.get("LANGFUSE_HOST", "http://localhost:3000")
TIMEOUT: Final = float(os.environ.get("LANGFUSE_TRACE_TIMEOUT", "60"))
KEYS: Final = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")
# Keys of the release's Secret, or of the operator's, with both halves of the API keys.
KEYS_OF_SECRET: Final = ("project-public-key", "project-secret-key")
NAMESPACE: Final = "langfuse"
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
DATASET: Final = "first-trace"
# Observations of the trace that ``send`` sends.
OBSERVATIONS: Final = 4


class StepError(Exception):
    """A step failed; the message contains the remedy."""


def find_keys() -> tuple[str, str]:
    """Return the API keys of the environment or, where it has none, those of the cluster.

    Raises:
        StepError: only one half is set, or the cluster has none or cannot be asked.

    """
    given = os.environ.get(KEYS[0], ""), os.environ.get(KEYS[1], "")
    if all(given):
        return given
    if any(given):
        message = f"{', '.join(KEYS)}: one of the two is not set. Export both, or none."
        raise StepError(message)
    unset = f"{', '.join(KEYS)}: not set, and"
    remedy = "Make API keys for your project in Langfuse under Settings, and export both"
    wanted = " ".join(f"{{.items[*].data.{key}}}" for key in KEYS_OF_SECRET)
    with kubectl(
        *("get", "secrets", "--field-selector=type=Opaque", "-n", NAMESPACE),
        *("--request-timeout=30s", f"--output=jsonpath={wanted}"),
        problem=f"{unset} kubectl cannot read them in the cluster",
        remedy=f"{remedy}.",
    ) as line:
        found = [base64.b64decode(each).decode() for each in line.split()]
    if len(found) != len(KEYS):
        message = (
            f"{unset} the cluster has none. {remedy}; or set LANGFUSE_PROJECT_KEYS=true in .env, "
            "and deploy app."
        )
        raise StepError(message)
    return found[0], found[1]


@contextmanager
def kubectl(*arguments: str, problem: str, remedy: str) -> Iterator[str]:
    """Start kubectl, yield the first line that it writes, and end it.

    Raises:
        StepError: kubectl is missing or wrote no line; the message has the last line of its
            standard error between ``problem`` and ``remedy``.

    """
    command, pipe = ["kubectl", *arguments], subprocess.PIPE
    try:
        process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
    except FileNotFoundError:
        message = f"{problem}: kubectl is not on PATH. {remedy}"
        raise StepError(message) from None
    with process:
        stdout, stderr = cast("IO[str]", process.stdout), cast("IO[str]", process.stderr)
        try:
            if line := stdout.readline():
                yield line
                return
            reason = (stderr.read().strip().splitlines() or ["no word"])[-1].rstrip(".")
        finally:
            process.terminate()
    message = f"{problem}: {reason}. {remedy}"
    raise StepError(message)


def forwarded_port() -> AbstractContextManager[object]:
    """Return a context in which the port of ``HOST``, if it is a local one, leads to Langfuse.

    kubectl forwards it, unless something listens there. Entering raises a StepError if it cannot.
    """
    url = urlsplit(HOST)
    port = url.port or 80
    try:
        if url.hostname in LOOPBACK:
            socket.create_connection((url.hostname, port), timeout=5).close()
    except OSError:
        print(f"forward port {port}, until this ends")
        return kubectl(
            *("port-forward", "svc/langfuse-web", "-n", NAMESPACE, f"{port}:3000"),
            problem=f"Nothing answers at {HOST}, and kubectl cannot forward the port",
            remedy="Run uv run verify.py.",
        )
    return nullcontext()


def ignore_proxies(host: str) -> None:
    """Have httpx and the SDK's exporter ignore proxies, if Langfuse is at a forwarded port."""
    if (name := urlsplit(host).hostname) in LOOPBACK:
        # Programs read either spelling, and some of them the other one only if this one is unset.
        others = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = f"{others},{name}"
        # kubectl does not read these; httpx does even then, and fails with SOCKS.
        for each in ("ALL_PROXY", "all_proxy"):
            os.environ.pop(each, None)


def check_langfuse() -> str:
    """Return the version of Langfuse; look at its health first, as the SDK only logs such faults.

    Raises:
        StepError: Langfuse does not answer or is not healthy.

    """
    try:
        health = httpx.get(f"{HOST}/api/public/health", timeout=10)
    except (httpx.InvalidURL, ImportError, OSError, ValueError) as error:
        fault = type(error).__name__
        message = (
            f"A proxy, SSL_CERT_FILE or LANGFUSE_HOST is wrong ({fault}). Correct or unset it."
        )
        raise StepError(message) from None
    except httpx.HTTPError as error:
        message = (
            f"Nothing answers at {HOST} ({type(error).__name__}). Is that the URL of Langfuse? "
            "Run uv run verify.py."
        )
        raise StepError(message) from None
    if health.status_code != httpx.codes.OK:
        message = f"Langfuse is not healthy: it answers {health.status_code}. Run uv run verify.py."
        raise StepError(message)
    return str(health.json()["version"])


def log_in(keys: tuple[str, str]) -> Langfuse:
    """Return a client with keys that Langfuse accepts.

    Raises:
        StepError: Langfuse rejects the keys.

    """
    # Flush almost at once: there is no second trace to batch with.
    client = Langfuse(
        public_key=keys[0],
        secret_key=keys[1],
        base_url=HOST,
        timeout=10,
        flush_interval=0.1,
    )
    try:
        client.api.projects.get()
    except UnauthorizedError:
        message = (
            f"Langfuse at {HOST} refuses the keys. Are both of the same project of this "
            "installation? A key that was deleted does not work either."
        )
        raise StepError(message) from None
    return client


def send(client: Langfuse) -> str:
    """Send a trace with four nested observations, and return its id."""
    question, answer = "What is the capital of France?", "Paris"
    with client.start_as_current_observation(name="first-trace", input=question) as trace:
        with (
            client.start_as_current_observation(name="look-up", as_type="retriever"),
            client.start_as_current_observation(name="atlas", as_type="tool") as tool,
        ):
            tool.update(output={"country": "France", "capital": answer})
        with client.start_as_current_observation(
            name="answer", as_type="generation", model="gpt-4o-mini", input=question
        ) as generation:
            generation.update(output=answer, usage_details={"input": 8, "output": 1})
        trace.update(output=answer)
        trace_id = trace.trace_id
    client.flush()
    return trace_id


def observations(
    client: Langfuse, version: str, trace_id: str
) -> Sequence[ObservationsView | ObservationV2]:
    """Return the observations of the trace that Langfuse has written so far."""
    found: Sequence[ObservationsView | ObservationV2]
    if version.startswith("3."):
        found = client.api.legacy.observations_v1.get_many(trace_id=trace_id).data
    else:
        # "io" is input and output, which v4 returns on request only.
        found = client.api.observations.get_many(trace_id=trace_id, fields="core,io").data
    return found


def wait_for(read: Callable[[], Sequence[T]], count: int, what: str) -> Sequence[T]:
    """Return what ``read`` returns, as soon as it is complete.

    Args:
        read: reads what Langfuse has written so far.
        count: number of items when it is complete.
        what: name of the missing part in the error message.

    Raises:
        StepError: it is not complete after ``TIMEOUT`` seconds.

    """
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        if len(found := read()) == count:
            return found
        print(".", end="", flush=True)
        time.sleep(min(1, TIMEOUT / 10))
    print()
    message = (
        f"The {what} cannot be read after {TIMEOUT:.0f} s. It goes from web to S3 and Redis, and "
        "from there through the worker to ClickHouse. Run uv run verify.py, then see "
        "uv run kubectl logs -n langfuse deployment/langfuse-worker."
    )
    raise StepError(message)


def add_to_dataset(client: Langfuse, root: ObservationsView | ObservationV2) -> None:
    """Create a dataset item from the root observation, and score its trace."""
    client.create_dataset(name=DATASET)
    client.create_dataset_item(
        dataset_name=DATASET,
        input=root.input,
        expected_output=root.output,
        source_trace_id=root.trace_id,
    )
    client.create_score(trace_id=root.trace_id, name="correct", value=1, data_type="BOOLEAN")
    client.flush()


def main() -> None:
    ignore_proxies(HOST)
    keys = find_keys()
    with forwarded_port():
        version = check_langfuse()
        print(f"found   Langfuse {version}")
        client = log_in(keys)
        trace_id = send(client)
        print(f"sent    trace {trace_id}")
        read = wait_for(lambda: observations(client, version, trace_id), OBSERVATIONS, "trace")
        print(f"read    {len(read)} observations")
        (root,) = [each for each in read if each.parent_observation_id is None]
        add_to_dataset(client, root)
        print(f"kept    as an item of the dataset {DATASET}")
        scores = client.api.scores_v3
        (score,) = wait_for(lambda: scores.get_many_v3(trace_id=trace_id).data, 1, "score")
        print(f"scored  {score.name}")
        print(client.get_trace_url(trace_id=trace_id))


def run() -> None:
    """Run the example; on a known failure, exit with a one-line message."""
    try:
        main()
    except StepError as error:
        sys.exit(str(error))
    except ApiError as error:
        sys.exit(f"Langfuse answers {error.status_code} half-way. Run uv run verify.py.")
    except httpx.HTTPError as error:
        sys.exit(f"Langfuse went away half-way ({type(error).__name__}). Run uv run verify.py.")


if __name__ == "__main__":
    run()
