"""Servers of stand-ins, for as long as a test needs them."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import BaseServer
from typing import TypeVar

ServerT = TypeVar("ServerT", bound=BaseServer)


@contextmanager
def serving(server: ServerT) -> Iterator[ServerT]:
    """Serve in a thread; at the end, stop and free the port."""
    # Seconds between two looks at whether to stop: the default of 0.5 would be waited for.
    threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True).start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """Return a port of the loopback at which nothing listens."""
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return int(free.getsockname()[1])
