"""Sends a trace, reads it back, adds it to a dataset and scores it.

    uv run --group examples examples/first_trace.py

Needs a port-forward to langfuse-web, and API keys of the project in LANGFUSE_PUBLIC_KEY and
LANGFUSE_SECRET_KEY. Optional: LANGFUSE_HOST, the URL of Langfuse (default http://localhost:3000),
and LANGFUSE_TRACE_TIMEOUT, seconds to wait until the trace can be read (default 60).
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Final

import httpx
from langfuse import Langfuse
from langfuse.api import NotFoundError, TraceWithFullDetails, UnauthorizedError
from langfuse.api.core import ApiError

HOST: Final = os.environ.get("LANGFUSE_HOST", "http://localhost:3000")
TIMEOUT: Final = float(os.environ.get("LANGFUSE_TRACE_TIMEOUT", "60"))
KEYS: Final = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")
DATASET: Final = "first-trace"
# Observations of the trace that ``send`` sends.
OBSERVATIONS: Final = 4


class StepError(Exception):
    """A step failed; the message contains the remedy."""


def check_langfuse() -> None:
    """Check the keys and the health of Langfuse first, because the SDK only logs such faults.

    Raises:
        StepError: a key is not set, or Langfuse does not answer or is not healthy.

    """
    if missing := [key for key in KEYS if not os.environ.get(key)]:
        message = (
            f"{', '.join(missing)}: not set. Make API keys for your project in Langfuse under "
            "Settings, and export both."
        )
        raise StepError(message)
    try:
        health = httpx.get(f"{HOST}/api/public/health", timeout=10)
    except httpx.HTTPError as error:
        message = (
            f"Nothing answers at {HOST} ({type(error).__name__}). Forward the port: "
            "uv run kubectl port-forward svc/langfuse-web -n langfuse 3000:3000"
        )
        raise StepError(message) from None
    if health.status_code != httpx.codes.OK:
        message = f"Langfuse is not healthy: it answers {health.status_code}. Run uv run verify.py."
        raise StepError(message)


def log_in() -> Langfuse:
    """Return a client with keys that Langfuse accepts.

    Raises:
        StepError: Langfuse rejects the keys.

    """
    # Flush almost at once: there is no second trace to batch with.
    client = Langfuse(base_url=HOST, timeout=10, flush_interval=0.1)
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
        trace.update_trace(name="first-trace", input=question, output=answer)
        trace_id = trace.trace_id
    client.flush()
    return trace_id


def read_back(
    client: Langfuse, trace_id: str, complete: Callable[[TraceWithFullDetails], bool], what: str
) -> TraceWithFullDetails:
    """Return the trace as soon as it is complete.

    Args:
        client: the client.
        trace_id: id of the trace.
        complete: returns whether the trace is complete.
        what: name of the missing part in the error message.

    Raises:
        StepError: the trace is not complete after ``TIMEOUT`` seconds.

    """
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline:
        try:
            trace = client.api.trace.get(trace_id)
        except NotFoundError:
            pass
        else:
            if complete(trace):
                return trace
        print(".", end="", flush=True)
        time.sleep(min(1, TIMEOUT / 10))
    print()
    message = (
        f"The {what} cannot be read after {TIMEOUT:.0f} s. It goes from web to S3 and Redis, and "
        "from there through the worker to ClickHouse. Run uv run verify.py, then see "
        "uv run kubectl logs -n langfuse deployment/langfuse-worker."
    )
    raise StepError(message)


def add_to_dataset(client: Langfuse, trace: TraceWithFullDetails) -> None:
    """Create a dataset item from the trace, and score the trace."""
    client.create_dataset(name=DATASET)
    client.create_dataset_item(
        dataset_name=DATASET,
        input=trace.input,
        expected_output=trace.output,
        source_trace_id=trace.id,
    )
    client.create_score(trace_id=trace.id, name="correct", value=1, data_type="BOOLEAN")
    client.flush()


def main() -> None:
    check_langfuse()
    client = log_in()
    trace_id = send(client)
    print(f"sent    trace {trace_id}")
    trace = read_back(
        client, trace_id, lambda trace: len(trace.observations) == OBSERVATIONS, "trace"
    )
    print(f"read    {len(trace.observations)} observations")
    add_to_dataset(client, trace)
    print(f"kept    as an item of the dataset {DATASET}")
    scored = read_back(client, trace_id, lambda trace: bool(trace.scores), "score")
    print(f"scored  {scored.scores[0].name}")
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
        sys.exit(f"Langfuse went away half-way ({type(error).__name__}). Forward the port again.")


if __name__ == "__main__":
    run()
