"""Redis commands through a port-forward."""

import base64
import socket

from in_cluster.names import REDIS, REDIS_PORT, SECRET, SecretKey
from verification.cluster import TIMEOUT, CheckError, Cluster


def run_commands(cluster: Cluster, *commands: str) -> list[str]:
    """Run commands, and return the one-line reply of each.

    Args:
        cluster: the cluster, which also has the Secret with the password.
        commands: commands whose reply is one line, such as ``PING`` or ``LLEN key``.

    Raises:
        CheckError: Redis returns an error, or too few replies.

    """
    data = cluster.get("secret", SECRET)["data"]
    password = base64.b64decode(data[SecretKey.REDIS_PASSWORD])
    lines = b"".join(each.encode() + b"\r\n" for each in (*commands, "QUIT"))
    with (
        cluster.forward(f"svc/{REDIS}", REDIS_PORT) as port,
        socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT) as connection,
    ):
        connection.sendall(b"AUTH " + password + b"\r\n" + lines)
        answers = connection.makefile("rb").read().decode().split("\r\n")
    wanted = answers[1 : len(commands) + 1]
    refusal = next((each for each in answers if each[:1] == "-"), None)
    if refusal or len(wanted) < len(commands) or "" in wanted:
        message = f"answers {refusal or 'nothing'}"
        raise CheckError(message)
    return wanted
