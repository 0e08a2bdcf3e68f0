"""ClickHouse: its own engine, chDB, behind the HTTP interface, in a process of its own.

The process opens a directory, as a server does that is started on a volume, and on request another
one, or the same again: so a server restarts, or comes to a new volume. It ends with the one that
started it.
"""

import importlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import sizing
from in_cluster import clickhouse

from .faults import CONTROL
from .loopback import LOOPBACK, Loopback, Request, Response

USER: Final = "default"
PASSWORD: Final = "of the rehearsal"  # noqa: S105 - of a stand-in
TIMEOUT: Final = 120


class Server(Loopback):
    """The HTTP interface as our programs use it: a query per request, settings in the URL."""

    def __init__(self, configuration: Path) -> None:
        """Open no directory yet."""
        super().__init__()
        self._configuration = configuration
        self._connection: Any = None
        self._queries: list[tuple[float, str]] = []

    def answer(self, request: Request) -> Response:
        """Answer a query, or open a directory."""
        if request.path.startswith(CONTROL):
            return self._control(request.path.removeprefix(CONTROL), request.json)
        headers = {name.lower(): value for name, value in request.headers.items()}
        if (headers.get("x-clickhouse-user"), headers.get("x-clickhouse-key")) != (USER, PASSWORD):
            text = f"Code: 516. DB::Exception: {USER}: Authentication failed."
            return Response(403, text.encode())
        settings = {name: values[-1] for name, values in request.query.items()}
        return self._query(request.body.decode(), settings)

    def _query(self, text: str, settings: dict[str, str]) -> Response:
        self._queries.append((time.time(), text))
        database = settings.pop("database", "default")
        try:
            self._connection.query(f"USE {database}")
            for name, value in settings.items():
                self._connection.query(f"SET {name} = {value}")
            return Response(200, self._connection.query(text, "TSV").bytes())
        except Exception as error:  # noqa: BLE001 - of no class of its own
            return Response(500, str(error).encode())

    def _control(self, what: str, given: dict[str, str]) -> Response:
        if what == "queries":
            return Response(200, {"queries": self._queries})
        if self._connection:
            self._connection.close()
        directory, chdb = given["directory"], importlib.import_module("chdb")
        self._connection = chdb.connect(f"{directory}?config-file={self._configuration}")
        return Response(200, {})


class ClickHouse:
    """A server; ``folder`` is for its configuration and its log."""

    def __init__(self, folder: Path, aws: str, role_arn: str) -> None:
        """Start nothing yet.

        Args:
            folder: a folder of its own.
            aws: URL of the stand-in for AWS, which also answers for STS.
            role_arn: role that the pod's service account has.

        """
        self._folder = folder
        self._configuration = folder / "config.xml"
        self._token = folder / "token"
        self._aws = aws
        self._role_arn = role_arn
        self._process: subprocess.Popen[str] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def log(self) -> Path:
        """What the engine prints."""
        return self._folder / "log"

    @property
    def identity(self) -> dict[str, str]:
        """Return what EKS gives a pod whose service account has the role."""
        return {
            "AWS_ROLE_ARN": self._role_arn,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self._token),
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
        }

    def __enter__(self) -> Self:
        """Start, with the configuration of the release."""
        # The engine has STS's address built in: it goes there through a proxy, which is moto.
        self._configuration.write_text(
            f"<clickhouse><proxy><https><uri>{self._aws}</uri></https>"
            "<disable_tunneling_for_https_requests_over_http_proxy>1"
            "</disable_tunneling_for_https_requests_over_http_proxy></proxy></clickhouse>",
            encoding="utf-8",
        )
        ours = self._folder / "config.d" / "langfuse.xml"
        ours.parent.mkdir()
        ours.write_text(clickhouse.server_configuration(sizing.CLICKHOUSE), encoding="utf-8")
        self._token.write_text("of the rehearsal", encoding="utf-8")
        variables = {name: text for name, text in os.environ.items() if name[:4] != "AWS_"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(self._configuration)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=Path(__file__).resolve().parents[__name__.count(".")],
                env={**variables, **self.identity},
            )
        self._port = int(self._process.stdout.readline()) if self._process.stdout else 0
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the process; it writes nothing more."""
        if self._process:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def open(self, directory: Path) -> None:
        """Serve this directory from now on, and forget what is no table, as a new process does."""
        self._ask(f"{CONTROL}open", json.dumps({"directory": str(directory)}).encode())

    def query(self, text: str) -> str:
        """Return the answer to a query, without the last line's end."""
        return self._ask("/", text.encode()).decode().removesuffix("\n")

    def queries(self) -> list[tuple[float, str]]:
        """Return the queries so far, each with the time in seconds at which it came."""
        queries: list[tuple[float, str]] = json.loads(self._ask(f"{CONTROL}queries", b""))[
            "queries"
        ]
        return queries

    def _ask(self, path: str, body: bytes) -> bytes:
        headers = {"X-ClickHouse-User": USER, "X-ClickHouse-Key": PASSWORD}
        request = urllib.request.Request(f"{self.url}{path}", body, headers)  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
                content: bytes = answer.read()
                return content
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()) from None


def main() -> None:
    """Serve, and say on standard output at which port."""
    with Server(Path(sys.argv[1])) as server:
        sys.stdout.write(f"{server.url.rpartition(':')[2]}\n")
        sys.stdout.flush()
        sys.stdin.read()
        os._exit(0)


if __name__ == "__main__":
    main()
