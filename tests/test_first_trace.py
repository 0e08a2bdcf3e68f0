"""The example of a first trace, sent by the real SDK to a stand-in of Langfuse."""

import json
import socket
from concurrent.futures import Future
from typing import Any

import pytest

from in_cluster.names import NAMESPACE, ProjectKey
from tests.helpers.checkout import ROOT
from tests.helpers.first_traces import ASKED_OF_KUBECTL, LINES
from tests.helpers.langfuse_api import SECRET_KEY, LangfuseApi

Results = Future[dict[str, Any]]


@pytest.mark.parametrize("line", LINES)
def test_first_trace(first_traces: Results, line: int) -> None:
    result = first_traces.result()[f"v{line} is well"]
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
    assert item["sourceTraceId"] == trace
    assert (item["input"], item["expectedOutput"]) == ("What is the capital of France?", "Paris")
    (score,) = result["scores"]
    assert (score["traceId"], score["name"], score["value"]) == (trace, "correct", 1)
    assert said.splitlines()[-1] == f"{url}/project/default-project/traces/{trace}"
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    said = said.replace(LINES[line], LINES[3]).replace(trace, "6f1c…")
    assert said.replace(url, "http://localhost:3000") in shown


@pytest.mark.parametrize(
    "situation",
    ["keys are in the cluster", "a proxy is set", "a SOCKS proxy is set", "nothing listens"],
)
def test_first_trace_needs_no_more(first_traces: Results, situation: str) -> None:
    """Neither keys from a browser, nor a word on proxies: the port is on this machine."""
    result = first_traces.result()[situation]
    assert result["complaint"] is None
    assert "scored  correct" in result["said"]


def test_forwarded_port_is_closed_at_the_end(first_traces: Results) -> None:
    result = first_traces.result()["nothing listens"]
    address = ("127.0.0.1", int(result["url"].rpartition(":")[2]))
    assert result["said"].startswith(f"forward port {address[1]}, until this ends\n")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


def test_keys_are_looked_for_where_the_release_has_them() -> None:
    """The example imports nothing of the project, so that it can be copied."""
    asked = f"get secrets --field-selector=type=Opaque -n {NAMESPACE} --request-timeout=30s"
    keys = " ".join(f"{{.items[*].data.{key}}}" for key in ProjectKey)
    assert f"{asked} --output=jsonpath={keys}" == ASKED_OF_KUBECTL


@pytest.mark.parametrize(
    ("line", "path", "status"),
    [
        (3, "/api/public/observations", 200),
        (3, "/api/public/v2/observations", 404),
        (4, "/api/public/observations", 404),
        (4, "/api/public/traces/t", 404),
        (4, "/api/public/v2/scores", 404),
        (4, "/api/public/v2/observations", 200),
        (4, "/api/public/v3/scores", 200),
    ],
)
def test_each_line_refuses_the_reads_of_the_other(line: int, path: str, status: int) -> None:
    with LangfuseApi() as api:
        api.version = LINES[line]
        assert api.answer("GET", path, query="traceId=t")[0] == status


@pytest.mark.parametrize(("line", "refused"), [(3, []), (4, ["trace-create"])])
def test_old_ingestion_refuses_each_trace_on_v4(line: int, refused: list[str]) -> None:
    types = ("trace-create", "score-create", "sdk-log")
    batch = [{"id": each, "type": each, "body": {}} for each in types]
    with LangfuseApi() as api:
        api.version = LINES[line]
        body = json.dumps({"batch": batch}).encode()
        status, answer = api.answer("POST", "/api/public/ingestion", body)
    # The status alone does not show it.
    assert status == 207
    assert [each["id"] for each in answer["errors"]] == refused


@pytest.mark.parametrize(
    ("situation", "complaint"),
    [
        (
            "keys are missing",
            "LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY: not set, and the cluster has none. Make API",
        ),
        ("cluster is out of reach", "kubectl cannot read them in the cluster: Unable to connect."),
        ("kubectl is missing", "cannot read them in the cluster: kubectl is not on PATH."),
        ("half of the keys is missing", "one of the two is not set. Export both, or none."),
        ("keys are refused", "refuses the keys"),
        ("port cannot be forwarded", "kubectl cannot forward the port: no pod. Run uv run verify"),
        ("host is another's", "Nothing answers at http://langfuse.invalid (ConnectError). Is that"),
        ("no authorities", "A proxy, SSL_CERT_FILE or LANGFUSE_HOST is wrong (FileNotFoundError"),
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
