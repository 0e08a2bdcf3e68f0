"""Redis commands through a port-forward."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from in_cluster.names import REDIS, REDIS_PORT
from verification.cluster import TIMEOUT, CheckError, Cluster

# Text for integers and floating-point numbers as well; None for a key that does not exist.
Reply = str | None | list["Reply"]


class Redis:
    """A connection that runs commands, many at once."""

    def __init__(self, connection: socket.socket) -> None:
        """Use a connection, which somebody else closes."""
        self._connection = connection
        self._replies = connection.makefile("rb")

    def run(self, *commands: tuple[str, ...]) -> list[Reply]:
        """Run commands, and return the reply of each.

        Raises:
            CheckError: Redis returns an error, or too few replies.

        """
        self._connection.sendall(b"".join(_array(each) for each in commands))
        return [_read(self._replies) for _ in commands]


@contextmanager
def connect(cluster: Cluster, password: str) -> Iterator[Redis]:
    """Yield a connection to Redis.

    Raises:
        CheckError: Redis does not answer, or refuses the password.

    """
    with (
        cluster.forward(f"svc/{REDIS}", REDIS_PORT) as port,
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection,
    ):
        redis = Redis(connection)
        redis.run(("AUTH", password))
        yield redis


def _array(command: tuple[str, ...]) -> bytes:
    """Write a command with the length of each part: the ids of jobs may have any character."""
    parts = [each.encode() for each in command]
    lines = b"".join(b"$%d\r\n%b\r\n" % (len(each), each) for each in parts)
    return b"*%d\r\n%b" % (len(parts), lines)


def _read(replies: IO[bytes]) -> Reply:
    """Read one reply, in version 2 of Redis' protocol."""
    line = replies.readline().decode().rstrip("\r\n")
    kind, text = line[:1], line[1:]
    if kind in {"+", ":"}:
        return text
    if kind == "$":
        size = int(text)
        return None if size < 0 else replies.read(size + 2)[:-2].decode()
    if kind == "*":
        return [_read(replies) for _ in range(int(text))]
    message = f"answers {line or 'nothing'}"
    raise CheckError(message)
