"""Runs the example of a first trace against a stand-in: ``python -m tests.helpers.first_traces``.

Prints what came of it in each situation, as JSON. It is a program of its own, and runs beside the
tests, because the SDK takes longer to import than most of them together.
"""

import base64
import io
import json
import os
import runpy
import shlex
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import versions
from tests.helpers.checkout import ROOT
from tests.helpers.kubectl import Kubectl
from tests.helpers.langfuse_api import SECRET_KEY, LangfuseApi
from tests.helpers.serving import serving

EXAMPLE: Final = ROOT / "examples" / "first_trace.py"
DATASETS: Final = "/api/public/v2/datasets"
LINES: Final = {line: each.langfuse for line, each in versions.LANGFUSE_LINES.items()}
WELL: Final = {"LANGFUSE_TRACE_TIMEOUT": "5"}
NO_KEYS: Final = {"LANGFUSE_PUBLIC_KEY": "", "LANGFUSE_SECRET_KEY": ""}
# Nothing answers there.
PROXY: Final = "http://127.0.0.1:1"
# What the stand-in for kubectl is asked, and what it does then.
IN_BASE64: Final = [
    base64.b64encode(key.encode()).decode() for key in ("pk-lf-of-the-cluster", SECRET_KEY)
]
ASKED_OF_KUBECTL: Final = (
    "get secrets --field-selector=type=Opaque -n langfuse --request-timeout=30s "
    "--output=jsonpath={.items[*].data.project-public-key} {.items[*].data.project-secret-key}"
)
# For kubectl port-forward SERVICE -n NAMESPACE PORT:PORT.
SERVE: Final = f"exec {shlex.quote(sys.executable)} -m tests.helpers.langfuse_api ${{5%:*}}"
WITH_KEYS: Final = f"echo {' '.join(IN_BASE64)}"
WITHOUT_KEYS: Final = "echo ' '"
OUT_OF_REACH: Final = "echo one >&2; echo 'Unable to connect' >&2; exit 1"

# What is different about the stand-in, and about the environment.
SITUATIONS: Final[dict[str, tuple[dict[str, Any], dict[str, str]]]] = {
    **{f"v{line} is well": ({"version": version}, WELL) for line, version in LINES.items()},
    "keys are in the cluster": ({}, {**WELL, **NO_KEYS, "KUBECTL": WITH_KEYS}),
    "keys are missing": ({}, {**NO_KEYS, "KUBECTL": WITHOUT_KEYS}),
    "cluster is out of reach": ({}, {**NO_KEYS, "KUBECTL": OUT_OF_REACH}),
    "kubectl is missing": ({}, {**NO_KEYS, "PATH": ""}),
    "half of the keys is missing": ({}, {"LANGFUSE_SECRET_KEY": ""}),
    "a proxy is set": ({}, {**WELL, "HTTP_PROXY": PROXY, "http_proxy": PROXY, "no_proxy": "a.b"}),
    "a SOCKS proxy is set": ({}, {**WELL, "ALL_PROXY": "socks5://127.0.0.1:1"}),
    "no authorities": ({}, {**WELL, "SSL_CERT_FILE": "/absent"}),
    "keys are refused": ({}, {"LANGFUSE_SECRET_KEY": "sk-lf-other"}),
    "nothing listens": ({"closed": True}, WELL),
    "port cannot be forwarded": ({"closed": True}, {"FORWARD": "echo 'no pod' >&2; exit 1"}),
    "host is another's": ({}, {"LANGFUSE_HOST": "http://langfuse.invalid"}),
    "langfuse is unhealthy": ({"health": 503}, {}),
    "trace is not ingested": ({"deaf": True}, {}),
    "score is not ingested": ({"unscored": True}, {}),
    "datasets break": ({"broken": DATASETS}, {}),
    "langfuse goes away": ({"gone": DATASETS}, {}),
}


def run_example(name: str) -> dict[str, Any]:
    """Run the example to its end, and return what it said and what the stand-in was sent."""
    behaviour, environment = SITUATIONS[name]
    with (
        serving(LangfuseApi()) as api,
        redirect_stdout(io.StringIO()) as said,
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ),
    ):
        vars(api).update(behaviour)
        if behaviour.get("closed"):
            # Else its thread holds the socket open for as long as it waits for a request.
            api.shutdown()
            api.server_close()
        kubectl = Kubectl(Path(folder))
        kubectl.rule(f"'{ASKED_OF_KUBECTL}'", 'eval "$KUBECTL"')
        kubectl.rule("'port-forward svc/langfuse-web -n langfuse '*", 'eval "$FORWARD"')
        os.environ |= {
            "LANGFUSE_HOST": api.url,
            # The SDK keeps one client for each public key.
            "LANGFUSE_PUBLIC_KEY": f"pk-lf-{name}",
            "LANGFUSE_SECRET_KEY": SECRET_KEY,
            "LANGFUSE_TRACE_TIMEOUT": "0.05",
            "FORWARD": SERVE,
            "PATH": f"{folder}:/usr/bin:/bin",
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
