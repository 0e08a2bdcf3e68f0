"""Runs the example of a first trace against a stand-in: ``python -m tests.helpers.first_traces``.

Prints what came of it in each situation, as JSON. It is a program of its own, and runs beside the
tests, because the SDK takes longer to import than most of them together.
"""

import io
import json
import os
import runpy
import sys
from contextlib import redirect_stdout
from typing import Any, Final

import versions
from tests.helpers.checkout import ROOT
from tests.helpers.langfuse_api import SECRET_KEY, LangfuseApi
from tests.helpers.serving import serving

EXAMPLE: Final = ROOT / "examples" / "first_trace.py"
DATASETS: Final = "/api/public/v2/datasets"
LINES: Final = {line: each.langfuse for line, each in versions.LANGFUSE_LINES.items()}
WELL: Final = {"LANGFUSE_TRACE_TIMEOUT": "5"}

# What is different about the stand-in, and about the environment.
SITUATIONS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    **{f"v{line} is well": ({"version": version}, WELL) for line, version in LINES.items()},
    "keys are missing": ({}, {"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": ""}),
    "keys are refused": ({}, {"LANGFUSE_SECRET_KEY": "sk-lf-other"}),
    "port is not forwarded": ({}, {"LANGFUSE_HOST": "http://127.0.0.1:1"}),
    "langfuse is unhealthy": ({"health": 503}, {}),
    "trace is not ingested": ({"deaf": True}, {}),
    "score is not ingested": ({"unscored": True}, {}),
    "datasets break": ({"broken": DATASETS}, {}),
    "langfuse goes away": ({"gone": DATASETS}, {}),
}


def run_example(name: str) -> dict[str, Any]:
    """Run the example to its end, and return what it said and what the stand-in was sent."""
    behaviour, environment = SITUATIONS[name]
    with serving(LangfuseApi()) as api, redirect_stdout(io.StringIO()) as said:
        vars(api).update(behaviour)
        os.environ |= {
            "LANGFUSE_HOST": api.url,
            # The SDK keeps one client for each public key.
            "LANGFUSE_PUBLIC_KEY": f"pk-lf-{name}",
            "LANGFUSE_SECRET_KEY": SECRET_KEY,
            "LANGFUSE_TRACE_TIMEOUT": "0.05",
            "NO_PROXY": "127.0.0.1",
            **environment,
        }
        complaint = None
        try:
            runpy.run_path(str(EXAMPLE), run_name="__main__")
        except SystemExit as stopped:
            complaint = str(stopped.code)
    sent = {kept: getattr(api, kept) for kept in ("spans", "datasets", "items", "scores")}
    return {"url": api.url, "said": said.getvalue(), "complaint": complaint, **sent}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({name: run_example(name) for name in SITUATIONS}))
    sys.stdout.flush()
    # The SDK would wait two seconds for each of its clients.
    os._exit(0)
