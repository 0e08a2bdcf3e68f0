"""A stand-in of those parts of Langfuse's API that the SDK calls for a first trace, on both lines.

What v4 refuses is from Langfuse v4.16.0: ``rejectInEventsOnlyMode`` of web/src/pages/api/public,
and ``filterBatchForEventsOnly`` of ingestion.ts there.
"""

import base64
import gzip
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qs

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SECRET_KEY = "sk-lf-do-not-print"  # noqa: S105 - of the stand-in
NOW = "2026-01-01T00:00:00Z"
# Old read APIs: v4 answers 404, before it checks the keys.
OLD_READS: Final = (
    "/api/public/observations",
    "/api/public/scores",
    "/api/public/traces",
    "/api/public/v2/scores",
)
# Types of events that the old ingestion API still accepts on v4.
INGESTED: Final = ("score-create", "sdk-log")
EVENTS_ONLY: Final = (
    "This endpoint is not available on deployments running in Langfuse v4 events_only mode. "
    "Learn more about Langfuse v4 at: https://langfuse.com/docs/v4"
)
V4_ONLY: Final = "The observations v2 API is only available in a Langfuse v4 write mode."
OBSERVATION: dict[str, Any] = {
    "type": "SPAN",
    "startTime": NOW,
    "projectId": "default-project",
    "metadata": None,
    "modelParameters": None,
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

    ``version`` decides on its line, ``secret_key`` on who is let in, and ``health`` is its status.
    While ``deaf`` it loses traces, while ``unscored`` scores. What begins with ``broken``, if that
    is set, answers 503; with ``gone``, nothing.
    """

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.version = "3.0.0"
        self.secret_key = SECRET_KEY
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

    @property
    def events_only(self) -> bool:
        return not self.version.startswith("3.")

    def needs_no_key(self, method: str, path: str) -> bool:
        """Tell whether Langfuse answers before it checks the keys."""
        return path == "/api/public/health" or self._refuses(method, path)

    def answer(
        self, method: str, path: str, body: bytes = b"", query: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """Return status and document."""
        if path == "/api/public/health":
            return self.health, {"status": "OK", "version": self.version}
        if self._refuses(method, path):
            return 404, {"message": EVENTS_ONLY}
        if self.broken and path.startswith(self.broken):
            return 503, {"message": "broken"}
        if path == "/api/public/otel/v1/traces":
            self._take(ExportTraceServiceRequest.FromString(body))
            return 200, {}
        if method == "POST":
            return self._post(path, json.loads(body))
        return self._get(path, {name: value for name, (value, *_) in parse_qs(query).items()})

    def _refuses(self, method: str, path: str) -> bool:
        return self.events_only and method == "GET" and path.startswith(OLD_READS)

    def _take(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {each.key: each.value.string_value for each in span.attributes}
                    parent, trace = span.parent_span_id.hex(), span.trace_id.hex()
                    names = {"name": span.name, "id": span.span_id.hex()}
                    self.spans.append({**names, "parent": parent, "trace": trace, **attributes})

    def _get(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if path == "/api/public/projects":
            project = {"id": "default-project", "name": "Default", "metadata": {}}
            organization = {"id": "default-organization", "name": "Default"}
            return 200, {"data": [{**project, "organization": organization}]}
        if path == "/api/public/observations":
            found = self._observations(query["traceId"], "io")
            pages = {"page": 1, "limit": 50, "totalItems": len(found), "totalPages": 1}
            return 200, {"data": found, "meta": pages}
        if path == "/api/public/v2/observations" and not self.events_only:
            return 404, {"error": "LangfuseNotFoundError", "message": V4_ONLY}
        if path == "/api/public/v2/observations":
            found = self._observations(query["traceId"], query.get("fields", "core,basic"))
            return 200, {"data": found, "meta": {}}
        if path == "/api/public/v3/scores":
            scores = [] if self.unscored else self.scores
            found = [score for score in scores if score["traceId"] == query["traceId"]]
            return 200, {"data": [_read_score(each) for each in found], "meta": {"limit": 50}}
        return 404, {}

    def _observations(self, trace: str, fields: str) -> list[dict[str, Any]]:
        shown = ("input", "output") if "io" in fields else ()
        return [
            {
                **OBSERVATION,
                "id": span["id"],
                "traceId": trace,
                "parentObservationId": span["parent"] or None,
                **{name: span.get(f"langfuse.observation.{name}") for name in shown},
            }
            for span in self.spans
            if span["trace"] == trace and not self.deaf
        ]

    def _post(self, path: str, given: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        times = {"createdAt": NOW, "updatedAt": NOW}
        if path == "/api/public/v2/datasets":
            self.datasets.append(given)
            return 200, {"id": "d", "projectId": "default-project", **times, **given}
        if path == "/api/public/dataset-items":
            self.items.append(given)
            named = {"id": "i", "status": "ACTIVE", "datasetId": "d", "mediaReferences": []}
            return 200, {**given, **named, **times}
        if path == "/api/public/ingestion":
            events = given["batch"]
            taken = [each for each in events if not self.events_only or each["type"] in INGESTED]
            self.scores += [each["body"] for each in taken if each["type"] == "score-create"]
            return 207, {
                "successes": [{"id": each["id"], "status": 201} for each in taken],
                "errors": [
                    {"id": each["id"], "status": 400, "message": "Event type not accepted"}
                    for each in events
                    if each not in taken
                ],
            }
        return 404, {}


def _read_score(score: dict[str, Any]) -> dict[str, Any]:
    """Return a score as the v3 API does, with a value of the type of the score."""
    assert score["dataType"] == "BOOLEAN"
    return {
        "id": score["id"],
        "name": score["name"],
        "dataType": "BOOLEAN",
        "value": bool(score["value"]),
        "projectId": "default-project",
        "source": "API",
        "environment": "default",
        **dict.fromkeys(("timestamp", "createdAt", "updatedAt"), NOW),
    }


class _Handler(BaseHTTPRequestHandler):
    server: LangfuseApi

    def _reply(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        path, _, query = self.path.partition("?")
        if self.server.gone and path.startswith(self.server.gone):
            return
        _, _, basic = self.headers.get("Authorization", "").partition(" ")
        secret = base64.b64decode(basic).decode().rpartition(":")[2]
        known = secret == self.server.secret_key or self.server.needs_no_key(self.command, path)
        status, document = (
            self.server.answer(self.command, path, body, query)
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


if __name__ == "__main__":
    port, *behaviour = sys.argv[1:]
    with LangfuseApi(int(port)) as api:
        vars(api).update(dict(each.split("=", 1) for each in behaviour))
        sys.stdout.write(f"Forwarding from {api.url}\n")
        sys.stdout.flush()
        api.serve_forever()
