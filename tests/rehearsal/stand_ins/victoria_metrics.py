"""VictoriaMetrics itself, on this machine, with stand-ins for what it asks."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import httpx

from .loopback import LOOPBACK

PROGRAM: Final = "victoria-metrics"


def is_missing() -> bool:
    """Tell whether there is no such program on PATH."""
    return shutil.which(PROGRAM) is None


class VictoriaMetrics:
    """One process with its data in a folder, which must be new."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        """Start nothing yet.

        Args:
            folder: where data and log go.
            arguments: arguments besides those that say where things are.

        """
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            self.address = f"{LOOPBACK}:{free.getsockname()[1]}"
        self._folder = folder
        self._arguments = arguments
        self._http = httpx.Client(base_url=f"http://{self.address}", timeout=60)

    def __enter__(self) -> Self:
        """Start it, and wait until it answers."""
        with (self._folder / "victoria-metrics.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM,
                    f"-storageDataPath={self._folder / 'data'}",
                    f"-httpListenAddr={self.address}",
                    "-retentionPeriod=100y",
                    # What has just come is asked for, too.
                    "-search.latencyOffset=0s",
                    *self._arguments,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + 30
        while not self._is_up():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                message = f"{PROGRAM} did not start:\n{self.log()[-2000:]}"
                raise RuntimeError(message)
            time.sleep(0.1)
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        self._http.close()
        self._process.kill()
        self._process.wait()

    def _is_up(self) -> bool:
        with suppress(httpx.TransportError):
            return self._http.get("/health").is_success
        return False

    def log(self) -> str:
        """Return what it has said."""
        return (self._folder / "victoria-metrics.log").read_text(errors="replace")

    def take(self, lines: Iterable[str]) -> None:
        """Store samples, as lines in Prometheus' format with a time in milliseconds."""
        body = "\n".join(lines).encode()
        self._http.post("/api/v1/import/prometheus", content=body).raise_for_status()
        self._http.get("/internal/force_flush").raise_for_status()

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - JSON
        """Return ``data`` of an answer.

        Raises:
            ValueError: it refuses; the message is its own.

        """
        answer = self._http.post(path, data=parameters)
        if not answer.is_success:
            raise ValueError(answer.text.strip())
        return answer.json()["data"]

    def metrics(self) -> str:
        """Return what it tells of itself."""
        return self._http.get("/metrics").text

    def range(self, query: str, *, start: int, end: int, step: int) -> list[dict[str, Any]]:
        """Return the series of a query over a time in seconds since 1970."""
        times = {"start": str(start), "end": str(end), "step": f"{step}s", "nocache": "1"}
        found: list[dict[str, Any]] = self.get("/api/v1/query_range", query=query, **times)[
            "result"
        ]
        return found

    def at(self, query: str, when: int) -> list[dict[str, Any]]:
        """Return the series of a query at one time."""
        found: list[dict[str, Any]] = self.get(
            "/api/v1/query", query=query, time=str(when), nocache="1"
        )["result"]
        return found
