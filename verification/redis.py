"""Redis commands: through a port-forward, or in the worker's pod where Redis is in ElastiCache."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final, Protocol

from in_cluster.names import REDIS, REDIS_PORT, REDIS_SWITCH, WORKER, SecretKey
from in_cluster.worker_modules import with_loader
from verification.cluster import TIMEOUT, CheckError, Cluster

# Text for integers and floating-point numbers as well; None for a key that does not exist.
Reply = str | None | list["Reply"]


SCRIPT: Final = Path(__file__).with_name("redis_commands.js")


class Redis(Protocol):
    """Runs commands, many at once."""

    def run(self, *commands: tuple[str, ...]) -> list[Reply]:
        """Run commands, and return the reply of each.

        Raises:
            CheckError: Redis returns an error, or too few replies.

        """


class ForwardedRedis:
    """A connection to the Redis in the cluster."""

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


class WorkersRedis:
    """The Redis that Langfuse's worker uses: a command is a process in its pod."""

    def __init__(self, cluster: Cluster) -> None:
        """Run nothing yet."""
        self._cluster = cluster

    def run(self, *commands: tuple[str, ...]) -> list[Reply]:
        """Run commands, and return the reply of each.

        Raises:
            CheckError: Redis does not answer or returns an error, or the pod cannot be reached.

        """
        node = ("node", "-e", with_loader(SCRIPT), json.dumps(commands))
        said = self._cluster.kubectl("exec", f"deployment/{WORKER}", "--", *node)
        return [_as_text(each) for each in json.loads(said)]


def is_managed(cluster: Cluster) -> bool:
    """Return whether Redis is in ElastiCache, where no port-forward leads.

    Raises:
        CheckError: kubectl failed.

    """
    only = f"--field-selector=metadata.name={REDIS_SWITCH}"
    return bool(cluster.kubectl("get", "configmaps", only, "--output=name").strip())


@contextmanager
def connect(cluster: Cluster) -> Iterator[Redis]:
    """Yield a connection to the Redis that Langfuse uses.

    Raises:
        CheckError: Redis does not answer, or refuses the password.

    """
    if is_managed(cluster):
        yield WorkersRedis(cluster)
        return
    password = cluster.password(SecretKey.REDIS_PASSWORD)
    with (
        cluster.forward(f"svc/{REDIS}", REDIS_PORT) as port,
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection,
    ):
        redis = ForwardedRedis(connection)
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


def _as_text(reply: object) -> Reply:
    """Return a reply as ``ForwardedRedis`` does."""
    if isinstance(reply, list):
        return [_as_text(each) for each in reply]
    return None if reply is None else str(reply)
