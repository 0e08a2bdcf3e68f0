"""The cluster as kubectl shows it; forwards that close themselves."""

import json
import select
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final, cast

import httpx

from in_cluster.names import NAMESPACE

# Seconds. A cluster that answers does so in one; nobody wants to wait for one that does not.
TIMEOUT: Final = 15
# A forward speaks plain HTTP, so no authorities need to be read for it.
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

# The last line of kubectl exec, after what the program itself said.
EXEC_TRAILER: Final = "command terminated with exit code"


class CheckError(Exception):
    """A check found something wrong; the message says what in a few words."""


@dataclass(frozen=True)
class Cluster:
    """Access by a kubeconfig, with the environment that its login needs."""

    kubeconfig: Path
    environment: Mapping[str, str]

    def kubectl(self, *arguments: str, stdin: str = "", seconds: float | None = None) -> str:
        """Run kubectl and return what it printed; ``seconds`` instead of ``2 * TIMEOUT``.

        Raises:
            CheckError: it failed; the message is the last line that it said.

        """
        timeout = 2 * TIMEOUT if seconds is None else seconds
        try:
            done = subprocess.run(
                self._command(*arguments, patience=TIMEOUT if seconds is None else seconds),
                input=stdin,
                env=dict(self.environment),
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except FileNotFoundError:
            message = "kubectl is not on PATH"
            raise CheckError(message) from None
        except subprocess.TimeoutExpired:
            message = f"no answer in {timeout} s"
            raise CheckError(message) from None
        if done.returncode:
            raise CheckError(_last_line(done.stderr))
        return done.stdout

    def get(self, *what: str) -> dict[str, Any]:
        """Return objects of the namespace, as the API describes them."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *what, "--output=json"))
        return found

    @contextmanager
    def forward(self, target: str, port: int) -> Iterator[int]:
        """Forward a local port, which kubectl picks, to ``port`` of such as ``svc/x``.

        Raises:
            CheckError: there is nothing to forward to.

        """
        command = self._command("port-forward", "--pod-running-timeout=5s", target, f":{port}")
        with subprocess.Popen(
            command,
            env=dict(self.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            stdout, stderr = cast("IO[str]", process.stdout), cast("IO[str]", process.stderr)
            try:
                # No timeout of kubectl's holds for its connection to the pod.
                if not select.select([stdout], [], [], TIMEOUT)[0]:
                    message = f"no answer in {TIMEOUT} s"
                    raise CheckError(message)
                line = stdout.readline()
                if not line:
                    raise CheckError(_last_line(stderr.read()))
                # Forwarding from 127.0.0.1:50123 -> 3000
                yield int(line.split(" -> ")[0].rpartition(":")[2])
            finally:
                process.terminate()

    def http(self, target: str, port: int, path: str) -> httpx.Response:
        """GET a path of a service or pod through a forward.

        Raises:
            CheckError: nothing answers, or not with 200.

        """
        with self.forward(target, port) as local:
            try:
                url = f"http://127.0.0.1:{local}{path}"
                # A proxy, which is for the way to AWS, would look for the port on itself.
                answer = httpx.get(url, timeout=TIMEOUT, verify=NO_TLS, trust_env=False)
            except httpx.HTTPError as error:
                message = f"{path} does not answer ({type(error).__name__})"
                raise CheckError(message) from None
        if answer.status_code != httpx.codes.OK:
            message = f"{path} answers {answer.status_code}"
            raise CheckError(message)
        return answer

    def _command(self, *arguments: str, patience: float | None = None) -> list[str]:
        options = (f"--kubeconfig={self.kubeconfig}", f"--namespace={NAMESPACE}")
        return ["kubectl", *options, f"--request-timeout={patience or TIMEOUT}s", *arguments]


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.startswith(EXEC_TRAILER)]
    return (lines or ["kubectl failed without a word"])[-1]
