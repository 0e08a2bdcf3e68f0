"""Redis, as far as a client needs it that counts jobs: a connection, and transactions of counts."""

import socketserver
import time
from collections.abc import Iterator
from typing import Final

from .loopback import LOOPBACK, Listener

PASSWORD: Final = "of the rehearsal"  # noqa: S105 - of a stand-in
COUNTS: Final = {"LLEN", "ZCARD"}
# Sent by the client once it is connected; it waits until no data is being loaded.
GREETINGS: Final = {"AUTH": b"+OK", "CLIENT": b"+OK", "INFO": b"$9\r\nloading:0"}


class Redis(Listener):
    """Lists and sorted sets by their length; ``lengths`` of the next transactions, then none."""

    def __init__(self) -> None:
        """Take no port yet."""
        self.lengths: list[dict[str, int]] = []
        self.counted: list[float] = []

    def make_server(self) -> socketserver.TCPServer:
        """Return the server."""
        owner = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                for reply in owner.replies(_commands(self.rfile)):
                    self.wfile.write(reply + b"\r\n")

        server = socketserver.ThreadingTCPServer((LOOPBACK, 0), Handler)
        server.daemon_threads = True
        return server

    def replies(self, commands: Iterator[list[str]]) -> Iterator[bytes]:
        """Answer the commands of one connection."""
        queued: list[str] | None = None
        entered = False
        for name, *arguments in commands:
            command = name.upper()
            entered = entered or (command == "AUTH" and arguments[-1] == PASSWORD)
            if not entered:
                yield b"-NOAUTH Authentication required."
            elif command in GREETINGS:
                yield GREETINGS[command]
            elif command == "MULTI":
                queued = []
                yield b"+OK"
            elif command in COUNTS and queued is not None:
                queued.append(arguments[0])
                yield b"+QUEUED"
            elif command == "EXEC" and queued is not None:
                self.counted.append(time.time())
                now = self.lengths.pop(0) if self.lengths else {}
                yield b"\r\n".join(
                    [b"*%d" % len(queued), *(b":%d" % now.get(k, 0) for k in queued)]
                )
                queued = None
            else:
                yield b"-ERR unknown command"


def _commands(stream: Iterator[bytes]) -> Iterator[list[str]]:
    """Read commands such as *2, then for each argument its length and itself, each on a line."""
    for line in stream:
        lines = [next(stream).decode().strip() for _ in range(2 * int(line[1:]))]
        yield lines[1::2]
