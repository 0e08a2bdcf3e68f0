"""The example of a first trace, sent by the real SDK to a stand-in of Langfuse."""

import atexit
import runpy
import ssl
import threading
from collections.abc import Iterator
from functools import cache
from unittest.mock import Mock

import httpx
import pytest

from examples import first_trace
from examples.first_trace import StepError
from tests.checkout import ROOT
from tests.langfuse_api import SECRET_KEY, LangfuseApi


@pytest.fixture
def api() -> Iterator[LangfuseApi]:
    with LangfuseApi() as server:
        threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _sdk(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    # The SDK keeps one client for each public key, and waits two seconds for each at the end.
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", f"pk-lf-{request.node.name}")
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", SECRET_KEY)
    monkeypatch.setattr(atexit, "register", lambda call, *_: call)
    # Each of the SDK's clients reads all authorities, 20 ms, although none is asked here.
    monkeypatch.setattr(ssl, "create_default_context", one_context)


one_context = cache(ssl.create_default_context)


def test_first_trace(
    api: LangfuseApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LANGFUSE_HOST", api.url)
    monkeypatch.setenv("LANGFUSE_PATIENCE", "2")
    runpy.run_path(first_trace.__file__, run_name="__main__")
    said = capsys.readouterr().out
    ids = {span["name"]: span["id"] for span in api.spans}
    parents = {span["name"]: span["parent"] for span in api.spans}
    assert parents == {
        "first-trace": "",
        "look-up": ids["first-trace"],
        "atlas": ids["look-up"],
        "answer": ids["first-trace"],
    }
    kinds = {span["name"]: span["langfuse.observation.type"] for span in api.spans}
    assert kinds["answer"] == "generation"
    assert kinds["atlas"] == "tool"
    trace = api.spans[0]["trace"]
    assert [dataset["name"] for dataset in api.datasets] == ["first-trace"]
    (item,) = api.items
    assert (item["sourceTraceId"], item["expectedOutput"]) == (trace, "Paris")
    (score,) = api.scores
    assert (score["traceId"], score["name"], score["value"]) == (trace, "correct", 1)
    assert said.splitlines()[-1] == f"{api.url}/project/default-project/traces/{trace}"
    assert SECRET_KEY not in said
    shown = (ROOT / "README.md").read_text(encoding="utf-8")
    assert said.replace(trace, "6f1c…").replace(api.url, "http://localhost:3000") in shown


@pytest.fixture
def host(api: LangfuseApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_trace, "HOST", api.url)
    monkeypatch.setattr(first_trace, "PATIENCE", 0.05)


def test_keys_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANGFUSE_PUBLIC_KEY", raising=False)
    monkeypatch.delenv("LANGFUSE_SECRET_KEY", raising=False)
    wanted = "LANGFUSE_PUBLIC_KEY, LANGFUSE_SECRET_KEY: not set. Make API keys"
    with pytest.raises(StepError, match=wanted):
        first_trace.main()


@pytest.mark.usefixtures("host")
def test_port_is_not_forwarded(monkeypatch: pytest.MonkeyPatch) -> None:
    with LangfuseApi() as closed:
        monkeypatch.setattr(first_trace, "HOST", closed.url)
    with pytest.raises(StepError, match=r"Nothing answers at .*uv run kubectl port-forward"):
        first_trace.main()


@pytest.mark.usefixtures("host")
def test_langfuse_is_unhealthy(api: LangfuseApi) -> None:
    api.health = 503
    with pytest.raises(StepError, match=r"it answers 503\. Run uv run verify\.py"):
        first_trace.main()


@pytest.mark.usefixtures("host")
def test_keys_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-other")
    with pytest.raises(StepError, match="refuses the keys"):
        first_trace.main()


@pytest.mark.usefixtures("host")
def test_trace_is_not_ingested(api: LangfuseApi) -> None:
    api.deaf = True
    wanted = "The trace cannot be read after 0 s. It goes from web to S3 and Redis"
    with pytest.raises(StepError, match=wanted):
        first_trace.main()
    assert api.spans


@pytest.mark.usefixtures("host")
def test_score_is_not_ingested(api: LangfuseApi) -> None:
    api.unscored = True
    with pytest.raises(StepError, match="The score cannot be read"):
        first_trace.main()


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize(
    ("broken", "said"),
    [("/api/public/v2/datasets", "Langfuse answers 503 half-way"), ("", "went away half-way")],
)
def test_langfuse_breaks_half_way(
    api: LangfuseApi, monkeypatch: pytest.MonkeyPatch, broken: str, said: str
) -> None:
    api.broken = broken
    if not broken:
        monkeypatch.setattr(first_trace, "keep", Mock(side_effect=httpx.ReadError("gone")))
    with pytest.raises(SystemExit, match=said):
        first_trace.run()
