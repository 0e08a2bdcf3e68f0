"""The process of moto's server: moto, the patches, and a gate in front of it.

It ends with the one that started it, whichever way that ends: its standard input closes then.
"""

import io
import json
import os
import re
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self
from urllib.parse import parse_qs

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import make_server
from werkzeug.test import run_wsgi_app

from . import moto_metrics, moto_patches
from .faults import CONTROL, Fault, Faults
from .loopback import LOOPBACK

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PROVIDER: Final = re.compile(r"terraform-provider-aws/(\S+)")
SCOPE: Final = re.compile(r"Credential=([^/]+)/\d+/[^/]+/([^/]+)/")


TAG: Final = re.compile(r"TagSpecification\.\d+\.Tag\.\d+\.Key")


def is_tagged(environ: "WSGIEnvironment") -> bool:
    """Tell whether a call of EC2 asks for the tag Project on what it makes."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)
    fields = parse_qs(body.decode(errors="replace"))
    return any(TAG.fullmatch(key) and value == ["Project"] for key, value in fields.items())


def call_name(environ: "WSGIEnvironment") -> str:
    """Return such as ``rds:CreateDBInstance``, or for a REST service ``s3:PUT /bucket/key``."""
    scope = SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    service = scope[2] if scope else "unsigned"
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return f"{service}:{target.rpartition('.')[2]}"
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        if action := parse_qs(body.decode()).get("Action"):
            return f"{service}:{action[0]}"
    return f"{service}:{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def refusal(service: str, fault: Fault) -> tuple[str, bytes]:
    """Return content type and body of an error, as clients of this service read it."""
    message = "The rehearsal wants it so."
    error = f"<Code>{fault.code}</Code><Message>{message}</Message>"
    wrappers = {
        "ec2": f"<Response><Errors><Error>{error}</Error></Errors></Response>",
        "s3": f"<Error>{error}</Error>",
    }
    query = f"<ErrorResponse><Error>{error}</Error></ErrorResponse>"
    if service in {"ec2", "s3", "rds", "iam", "sts", "cloudformation", "unsigned"}:
        return "text/xml", wrappers.get(service, query).encode()
    body = json.dumps({"__type": fault.code, "message": message})
    return "application/x-amz-json-1.1", body.encode()


@dataclass(frozen=True)
class Answer:
    """What moto has answered."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Gate:
    """Counts every call, refuses those that it was told to, and lets in one at a time.

    Under load a client loses an answer now and then, and asks again under the same invocation id.
    It is answered again then, or what it made would be in its own way.
    """

    def __init__(self, application: "WSGIApplication") -> None:
        """Stand before ``application``."""
        self._application = application
        self._faults = Faults()
        self._calls: list[str] = []
        self._provider_calls: set[str] = set()
        self._untagged: set[str] = set()
        self._signers: set[str] = set()
        self._providers: set[str] = set()
        self._lock = threading.Lock()
        # Moto is not made for several threads.
        self._turn = threading.Lock()
        self._answers: dict[str, Answer] = {}

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer, or let moto answer."""
        path: str = environ["PATH_INFO"]
        if path.startswith(CONTROL):
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            start_response("200 OK", [("Content-Type", "application/json")])
            return [self._control(path.removeprefix(CONTROL), json.loads(body or b"{}"))]
        name = call_name(environ)
        with self._lock:
            self._calls.append(name)
            if scope := SCOPE.search(environ.get("HTTP_AUTHORIZATION", "")):
                self._signers.add(f"{scope[2]} {scope[1]}")
            if provider := PROVIDER.search(environ.get("HTTP_USER_AGENT", "")):
                self._providers.add(provider[1])
                self._provider_calls.add(name)
                if name.startswith("ec2:Create") and not is_tagged(environ):
                    self._untagged.add(name)
            fault = self._faults.meet(name)
        if fault is None:
            answer = self._answer(environ)
            start_response(answer.status, answer.headers)
            return [answer.body]
        content_type, payload = refusal(name.partition(":")[0], fault)
        headers = [("Content-Type", content_type), ("x-amzn-ErrorType", fault.code)]
        start_response(f"{fault.status} Refused", headers)
        return [payload]

    def _answer(self, environ: "WSGIEnvironment") -> Answer:
        invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        with self._turn:
            if invocation in self._answers:
                sys.stderr.write(f"asked again: {invocation}\n")
                return self._answers[invocation]
            body, status, headers = run_wsgi_app(self._application, environ, buffered=True)
            answer = Answer(status, list(headers), b"".join(body))
            if invocation and status.startswith("2"):
                self._answers[invocation] = answer
            return answer

    def _control(self, what: str, given: dict[str, int | str]) -> bytes:
        with self._lock:
            if what == "fail-next":
                times, status = int(given["times"]), int(given["status"])
                self._faults.plan(times, status, str(given["code"]), str(given["matching"]))
            if what == "forgive":
                self._faults.forgive()
            answer = {
                "calls": self._calls,
                "provider-calls": sorted(self._provider_calls),
                "untagged-calls": sorted(self._untagged),
                "signers": sorted(self._signers),
                "faults": self._faults.left(),
                "providers": sorted(self._providers),
            }
            return json.dumps(answer).encode()


class Handler(MotoRequestHandler):
    """Moto's handler without a line of log for every request."""

    def log_request(self: Self, code: int | str = "-", size: int | str = "-") -> None:
        """Say nothing: the gate has them all."""


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def main() -> None:
    """Serve, and say on standard output at which port."""
    moto_patches.apply()
    moto_metrics.apply()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gate = Gate(DomainDispatcherApplication(create_backend_app))
    server = make_server(LOOPBACK, 0, gate, threaded=True, request_handler=Handler)
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
