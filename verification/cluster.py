"""Access to the cluster through kubectl, and port-forwards that close themselves."""

import base64
import json
import select
import ssl
import subprocess
import tempfile
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import IO, Any, Final, cast

import httpx

from awake_types import AwakeHours
from in_cluster.names import (
    CLICKHOUSE,
    CLICKHOUSE_HTTP_PORT,
    EXTERNAL_SECRET,
    NAMESPACE,
    SECRET,
    WORKER,
    SecretKey,
)

# Seconds for one request. A cluster that works answers in one second.
TIMEOUT: Final = 15
# A port-forward speaks plain HTTP. An empty context saves loading CA certificates.
NO_TLS: Final = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

# Last line of a failed kubectl exec, after the output of the program itself.
EXEC_TRAILER: Final = "command terminated with exit code"


class CheckError(Exception):
    """A check failed; the message gives the reason in a few words."""


@dataclass(frozen=True)
class Cluster:
    """A cluster, accessed with kubectl."""

    kubeconfig: Path
    environment: Mapping[str, str]
    """Environment variables of kubectl, with the AWS credentials."""
    awake_hours: AwakeHours | None = None
    """Hours outside of which it may sleep; None if it does not, or if that is not known."""
    _lock: Any = field(default_factory=RLock, init=False, repr=False, compare=False)

    def kubectl(self, *arguments: str, stdin: str = "", seconds: float | None = None) -> str:
        """Run kubectl and return its standard output.

        Args:
            arguments: arguments of kubectl.
            stdin: text for its standard input.
            seconds: timeout of the request and of kubectl; None for ``TIMEOUT`` and twice that.

        Raises:
            CheckError: kubectl failed; the message is the last line of its standard error.

        """
        timeout = 2 * TIMEOUT if seconds is None else seconds
        try:
            done = subprocess.run(
                self._command(*arguments, timeout=seconds),
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

    def stream(self, *arguments: str) -> Generator[str]:
        """Run kubectl, and yield each line of its standard output as it comes.

        Its standard input stays open for as long as it runs: with ``exec --stdin`` the program in
        the pod sees the end of it when kubectl ends.

        Raises:
            CheckError: kubectl failed; the message is the last line of its standard error.

        """
        with tempfile.TemporaryFile("w+", encoding="utf-8") as stderr:
            try:
                process = subprocess.Popen(
                    # kubectl takes 0 for no timeout.
                    self._command(*arguments, timeout=0),
                    env=dict(self.environment),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                    text=True,
                    # Ctrl-C is for this process.
                    start_new_session=True,
                )
            except FileNotFoundError:
                message = "kubectl is not on PATH"
                raise CheckError(message) from None
            with process:
                try:
                    yield from cast("IO[str]", process.stdout)
                except BaseException:
                    # The program in the pod ends first, and tidies up.
                    cast("IO[str]", process.stdin).close()
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(TIMEOUT)
                    process.terminate()
                    raise
            if process.returncode:
                stderr.seek(0)
                raise CheckError(_last_line(stderr.read()))

    def get(self, *what: str) -> dict[str, Any]:
        """Return the JSON of ``kubectl get`` in the namespace.

        Raises:
            CheckError: kubectl failed.

        """
        found: dict[str, Any] = json.loads(self.kubectl("get", *what, "--output=json"))
        return found

    def find(self, kind: str, name: str) -> dict[str, Any] | None:
        """Return the JSON of an object; None if there is none.

        Raises:
            CheckError: kubectl failed.

        """
        # Of a name that is not there, kubectl's error is a sentence.
        found = self.get(kind, f"--field-selector=metadata.name={name}")["items"]
        return found[0] if found else None

    def has(self, kind: str, name: str) -> bool:
        """Return whether there is an object; no where kubectl fails, which other checks report."""
        try:
            found = self.kubectl("get", kind, name, "--ignore-not-found", "--output=name")
        except CheckError:
            return False
        return bool(found.strip())

    @property
    def own_clickhouse(self) -> str | None:
        """URL of the ClickHouse that Langfuse uses; None if it is the one in the cluster.

        Raises:
            CheckError: kubectl failed.

        """
        # Several checks ask at once.
        with self._lock:
            return self._own_clickhouse

    @cached_property
    def _own_clickhouse(self) -> str | None:
        worker = self.find("deployments", WORKER)
        containers = worker["spec"]["template"]["spec"]["containers"] if worker else ()
        variables = [each for container in containers for each in container.get("env", ())]
        urls = [each.get("value") for each in variables if each["name"] == "CLICKHOUSE_URL"]
        bundled = f"http://{CLICKHOUSE}:{CLICKHOUSE_HTTP_PORT}"
        return next((url for url in urls if url and url != bundled), None)

    def password(self, key: SecretKey) -> str:
        """Return a value of Langfuse's Secret or, where that has not the key, of the operator's.

        Raises:
            CheckError: kubectl failed.

        """
        data = self.get("secret", SECRET)["data"]
        if key not in data:
            data = self.get("secret", EXTERNAL_SECRET)["data"]
        return base64.b64decode(data[key]).decode()

    @contextmanager
    def forward(self, target: str, port: int) -> Iterator[int]:
        """Forward a local port, chosen by kubectl, and yield it.

        Args:
            target: what to forward to, such as ``svc/langfuse-web``.
            port: port of the target.

        Raises:
            CheckError: the target does not exist or does not answer.

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
                # --request-timeout does not apply to the connection to the pod.
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

    def http(
        self,
        target: str,
        port: int,
        path: str,
        *,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """GET a path of a Service or workload through a port-forward; POST if there is a body.

        Raises:
            CheckError: no answer, or not with 200.

        """
        with self.forward(target, port) as local:
            try:
                url = f"http://127.0.0.1:{local}{path}"
                # Ignore HTTP(S)_PROXY: the target is a local port-forward.
                answer = httpx.request(
                    "GET" if body is None else "POST",
                    url,
                    content=body,
                    headers=headers,
                    timeout=TIMEOUT,
                    verify=NO_TLS,
                    trust_env=False,
                )
            except httpx.HTTPError as error:
                message = f"{path} does not answer ({type(error).__name__})"
                raise CheckError(message) from None
        if answer.status_code != httpx.codes.OK:
            message = f"{path} answers {answer.status_code}"
            raise CheckError(message)
        return answer

    def _command(self, *arguments: str, timeout: float | None = None) -> list[str]:
        options = (f"--kubeconfig={self.kubeconfig}", f"--namespace={NAMESPACE}")
        return [
            "kubectl",
            *options,
            f"--request-timeout={TIMEOUT if timeout is None else timeout}s",
            *arguments,
        ]


def _last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if not line.startswith(EXEC_TRAILER)]
    return (lines or ["kubectl failed without a word"])[-1]
