"""ExternalDNS itself, on this machine, with the arguments and the rights of its pod."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Final, Self

from in_cluster.names import EXTERNAL_DNS, NAMESPACE
from tests.rehearsal.stand_ins.aws import KEY, REGION
from tests.rehearsal.stand_ins.control_plane import ControlPlane

PROGRAM: Final = "external-dns"


def is_missing() -> bool:
    """Tell whether there is no such program on PATH."""
    return shutil.which(PROGRAM) is None


class ExternalDns:
    """One process, started as the Deployment says, but for where the cluster and AWS are."""

    def __init__(self, plane: ControlPlane, aws_url: str, folder: Path) -> None:
        """Start nothing yet; the log goes into ``folder``."""
        self._plane = plane
        self._aws_url = aws_url
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Return it, not yet started."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        self.stop()

    def start(self, arguments: list[str]) -> None:
        """Start it with the arguments of its container, as its service account."""
        kubeconfig = self._plane.kubeconfig_of(EXTERNAL_DNS, NAMESPACE)
        with (self._folder / "external-dns.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    PROGRAM,
                    *arguments,
                    f"--kubeconfig={kubeconfig}",
                    f"--server={self._plane.endpoint}",
                    "--metrics-address=127.0.0.1:0",
                ],
                env={
                    **os.environ,
                    "AWS_ENDPOINT_URL": self._aws_url,
                    "AWS_ACCESS_KEY_ID": KEY,
                    "AWS_SECRET_ACCESS_KEY": KEY,
                    "AWS_REGION": REGION,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def stop(self) -> None:
        """End it at once, as a pod that is deleted ends."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
