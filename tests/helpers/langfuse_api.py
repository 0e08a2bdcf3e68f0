"""A stand-in of those parts of Langfuse's API that the SDK calls for a first trace."""

import base64
import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SECRET_KEY = "sk-lf-do-not-print"  # noqa: S105 - of the stand-in
NOW = "2026-01-01T00:00:00Z"
OBSERVATION: dict[str, Any] = {
    "type": "SPAN",
    "startTime": NOW,
    "metadata": None,
    "level": "DEFAULT",
    "environment": "default",
    "unit": "TOKENS",
    "usage": {"input": 0, "output": 0, "total": 0, "unit": "TOKENS"},
    "usageDetails": {},
    "costDetails": {},
    **dict.fromkeys(("inputUsage", "outputUsage", "totalUsage"), 0),
}


class LangfuseApi(ThreadingHTTPServer):
    """Keeps what it is sent, and answers as Langfuse does.

    ``health`` is its status. While ``deaf`` it loses traces, while ``unscored`` scores. What begins
    with ``broken``, if that is set, answers 503; with ``gone``, nothing.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.health = 200
        self.deaf = False
        self.unscored = False
        self.broken = ""
        self.gone = ""
        self.spans: list[dict[str, Any]] = []
        self.datasets: list[dict[str, Any]] = []
        self.items: list[dict[str, Any]] = []
        self.scores: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """Return status and document."""
        if path == "/api/public/health":
            return self.health, {"status": "OK", "version": "3.0.0"}
        if self.broken and path.startswith(self.broken):
            return 503, {"message": "broken"}
        if path == "/api/public/otel/v1/traces":
            self._take(ExportTraceServiceRequest.FromString(body))
            return 200, {}
        if path == "/api/public/projects":
            project = {"id": "default-project", "name": "Default", "metadata": {}}
            organization = {"id": "default-organization", "name": "Default"}
            return 200, {"data": [{**project, "organization": organization}]}
        if path.startswith("/api/public/traces/"):
            return self._trace(path.rpartition("/")[2])
        return self._post(path, json.loads(body)) if method == "POST" else (404, {})

    def _take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {each.key: each.value.string_value for each in span.attributes}
                    parent, trace = span.parent_span_id.hex(), span.trace_id.hex()
                    names = {"name": span.name, "id": span.span_id.hex()}
                    self.spans.append({**names, "parent": parent, "trace": trace, **attributes})

    def _trace(self, id_: str) -> tuple[int, dict[str, Any]]:
        spans = [] if self.deaf else [span for span in self.spans if span["trace"] == id_]
        if not spans:
            return 404, {"error": "LangfuseNotFoundError", "message": "Trace not found"}
        (root,) = [span for span in spans if not span["parent"]]
        observations = [{**OBSERVATION, "id": span["id"]} for span in spans]
        return 200, {
            "id": id_,
            "timestamp": NOW,
            "name": root["name"],
            "input": root["langfuse.trace.input"],
            "output": root["langfuse.trace.output"],
            "tags": [],
            "public": False,
            "environment": "default",
            "htmlPath": f"/trace/{id_}",
            "latency": 0.1,
            "totalCost": 0,
            "observations": observations,
            "scores": [
                {**score, "source": "API", "timestamp": NOW, "createdAt": NOW, "updatedAt": NOW}
                for score in ([] if self.unscored else self.scores)
            ],
        }

    def _post(self, path: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        times = {"createdAt": NOW, "updatedAt": NOW}
        if path == "/api/public/v2/datasets":
            self.datasets.append(given)
            return 200, {"id": "d", "projectId": "default-project", **times, **given}
        if path == "/api/public/dataset-items":
            self.items.append(given)
            named = {"id": "i", "status": "ACTIVE", "datasetId": "d"}
            return 200, {**given, **named, **times}
        if path == "/api/public/ingestion":
            events = given["batch"]
            created = [event["body"] for event in events if event["type"] == "score-create"]
            self.scores += [
                {**score, "environment": "default", "stringValue": "True"} for score in created
            ]
            done = [{"id": event["id"], "status": 201} for event in events]
            return 207, {"successes": done, "errors": []}
        return 404, {}


class _Handler(BaseHTTPRequestHandler):
    server: LangfuseApi

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path = self.path.partition("?")[0]
        if self.server.gone and path.startswith(self.server.gone):
            return
        _, _, basic = self.headers.get("Authorization", "").partition(" ")
        secret = base64.b64decode(basic).decode().rpartition(":")[2]
        known = path == "/api/public/health" or secret == SECRET_KEY
        status, document = (
            self.server.answer(self.command, path, body)
            if known
            else (401, {"error": "UnauthorizedError", "message": "Invalid credentials"})
        )
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    do_GET = do_POST = _reply

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass
