"""The example of a first trace, sent by the real SDK to a stand-in of Langfuse."""

from concurrent.futures import Future
from typing import Any

import pytest

from tests.helpers.checkout import ROOT
from tests.helpers.langfuse_api import SECRET_KEY

Results = Future[dict[str, Any]]


def test_first_trace(first_traces: Results) -> None:
    result = first_traces.result()["all is well"]
    assert result["complaint"] is None
    ids = {span["name"]: span["id"] for span in result["spans"]}
    parents = {span["name"]: span["parent"] for span in result["spans"]}
    assert parents == {
        "first-trace": "",
        "look-up": ids["first-trace"],
        "atlas": ids["look-up"],
        "answer": ids["first-trace"],
    }
    kinds = {span["name"]: span["langfuse.observation.type"] for span in result["spans"]}
    assert kinds["answer"] == "generation"
    assert kinds["atlas"] == "tool"
    trace, url, said = result["spans"][0]["trace"], result["url"], result["said"]
    assert [dataset["name"] for dataset in result["datasets"]] == ["first-trace"]
    (item,) = result["items"]
    assert (item["sourceTraceId"], item["expectedOutput"]) == (trace, "Paris")
    (score,) = result["scores"]
    assert (score["traceId"], score["name"], score["value"]) == (trace, "correct", 1)
    assert said.splitlines()[-1] == f"{url}/project/default-project/traces/{trace}"
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    assert said.replace(trace, "6f1c…").replace(url, "http://localhost:3000") in shown


@pytest.mark.parametrize(
    ("situation", "complaint"),
    [
        ("keys are missing", "LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY: not set. Make API keys"),
        ("keys are refused", "refuses the keys"),
        (
            "port is not forwarded",
            (
                "Nothing answers at http://127.0.0.1:1 (ConnectError). Forward the port: "
                "uv run kubectl port-forward"
            ),
        ),
        ("langfuse is unhealthy", "it answers 503. Run uv run verify.py"),
        (
            "trace is not ingested",
            "The trace cannot be read after 0 s. It goes from web to S3 and Redis",
        ),
        ("score is not ingested", "The score cannot be read"),
        ("datasets break", "Langfuse answers 503 half-way"),
        ("langfuse goes away", "went away half-way"),
    ],
)
def test_complaint_says_what_to_do(first_traces: Results, situation: str, complaint: str) -> None:
    assert complaint in first_traces.result()[situation]["complaint"]


def test_trace_that_is_not_ingested_was_sent(first_traces: Results) -> None:
    assert first_traces.result()["trace is not ingested"]["spans"]


def test_nfr01_no_key_is_printed(first_traces: Results) -> None:
    for result in first_traces.result().values():
        assert SECRET_KEY not in result["said"] + (result["complaint"] or "")
