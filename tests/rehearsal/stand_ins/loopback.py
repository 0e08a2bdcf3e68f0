"""A small HTTP server on a loopback port of its own choice: what all stand-ins have in common."""

import json
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit

LOOPBACK: Final = "127.0.0.1"
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Request:
    """What was asked; ``path`` is still percent-encoded, since an ARN in it may hold slashes."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as an object; an empty body is an empty object."""
        document: dict[str, Any] = json.loads(self.body or b"{}")
        return document


@dataclass(frozen=True)
class Response:
    """What is answered: bytes as they are, anything else as JSON."""

    status: int = 200
    body: object = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return what goes over the wire."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that were killed, which is what rehearsals do to them."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Listener:
    """Listens on a port of the loopback for as long as it is entered."""

    _server: TCPServer | None = None

    def make_server(self) -> TCPServer:
        """Return the server, whose requests are handled in threads."""
        raise NotImplementedError

    @property
    def port(self) -> int:
        """Where it listens, on the loopback."""
        if self._server is None:
            message = f"{type(self).__name__} is not running"
            raise RuntimeError(message)
        return int(self._server.server_address[1])

    def __enter__(self) -> Self:
        """Listen."""
        self._server = self.make_server()
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop, and free the port."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Loopback(Listener):
    """Serves ``answer`` by HTTP."""

    json_type = "application/json"

    def __init__(self) -> None:
        """Take no port yet: a stand-in that was never entered leaves nothing behind."""
        self.requests: list[tuple[str, str]] = []
        self.lock = threading.RLock()

    def answer(self, request: Request) -> Response:
        """Answer one request; it is called with ``lock`` held."""
        raise NotImplementedError

    def make_server(self) -> TCPServer:
        """Return the server."""
        return _Server((LOOPBACK, 0), _handler_of(self))

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"


def _guarded(owner: Loopback, request: Request) -> Response:
    try:
        return owner.answer(request)
    except Exception:  # noqa: BLE001 - a fault of the stand-in has to be seen in Terraform's output
        return Response(501, {"message": traceback.format_exc()})


def _handler_of(owner: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # Terraform opens hundreds of connections otherwise.

        def log_message(self, *_: object) -> None:
            """Say nothing: ``requests`` has it."""

        def handle_any(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            query = parse_qs(parts.query, keep_blank_values=True)
            request = Request(self.command, parts.path, query, dict(self.headers.items()), body)
            with owner.lock:
                owner.requests.append((request.method, request.path))
                response = _guarded(owner, request)
            payload = response.encoded()
            self.send_response(response.status)
            for name, value in {"Content-Type": owner.json_type, **response.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(payload)

    for method in METHODS:
        setattr(Handler, f"do_{method}", Handler.handle_any)
    return Handler
