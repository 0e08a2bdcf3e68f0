"""A proxy that opens the connections it is asked for, as those of companies do.

Every host behind it has a certificate of its own authority, and answers every request alike.
"""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import parse_headers
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingTCPServer

from tests.helpers.serving import serving
from tests.rehearsal.stand_ins.certificates import Authority

# AWS's answer to GetCallerIdentity.
CALLER = (
    b"<GetCallerIdentityResponse xmlns='https://sts.amazonaws.com/doc/2011-06-15/'>"
    b"<GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn><UserId>A</UserId>"
    b"<Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>"
)


@dataclass
class Proxy:
    """Where it listens, whom it is trusted by, and what it has seen."""

    url: str
    authority: Path
    """PEM file with the certificate of its authority."""
    asked: set[str] = field(default_factory=set)
    """``host:port`` that clients asked it for."""
    trusted: set[str] = field(default_factory=set)
    """Those of them whose certificate the client accepted, and sent a request."""


@contextmanager
def listening(folder: Path) -> Iterator[Proxy]:
    """Listen on a port of this machine, with files in ``folder``."""
    authority = Authority()
    pem = folder / "authority.pem"
    pem.write_text(authority.pem, encoding="utf-8")

    class Tunnel(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.asked.add(self.path)
            self.send_response(200)
            self.end_headers()
            host = self.path.rpartition(":")[0]
            try:
                secure = _context(authority, folder, host).wrap_socket(
                    self.connection, server_side=True
                )
                with secure, secure.makefile("rb") as request:
                    if not request.readline():
                        return
                    # All of it: who closes with something unread resets the connection.
                    request.read(int(parse_headers(request).get("Content-Length", 0)))
                    proxy.trusted.add(self.path)
                    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(CALLER)}\r\n"
                    secure.sendall(f"{head}Connection: close\r\n\r\n".encode() + CALLER)
            except OSError:
                # The client does not trust the authority, or has enough.
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingTCPServer(("127.0.0.1", 0), Tunnel)
    server.daemon_threads = True
    proxy = Proxy(f"http://127.0.0.1:{server.server_address[1]}", pem)
    with serving(server):
        yield proxy


def _context(authority: Authority, folder: Path, host: str) -> ssl.SSLContext:
    file = folder / f"{host}.pem"
    if not file.exists():
        file.write_text("".join(authority.issue("proxy", host[:64], host)), encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context
