"""The External Secrets Operator itself, on this machine, for as long as its pod runs."""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Final, Self

from in_cluster.names import EXTERNAL_SECRETS, NAME_LABEL, NAMESPACE
from tests.rehearsal.stand_ins.aws import KEY, REGION
from tests.rehearsal.stand_ins.control_plane import ControlPlane

PROGRAM: Final = "external-secrets"


def is_missing() -> bool:
    """Tell whether there is no such program on PATH."""
    return shutil.which(PROGRAM) is None


class ExternalSecretsOperator:
    """Does what the kubelet does: starts the program with its pod, and ends it with its pod.

    It has the arguments and the rights of its container, but for where the cluster and AWS are.
    """

    def __init__(self, plane: ControlPlane, aws_url: str, folder: Path) -> None:
        """Start nothing yet; the log goes into ``folder``."""
        self._plane = plane
        self._aws_url = aws_url
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._follow)

    def __enter__(self) -> Self:
        """Begin to look for its pod."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing running."""
        self._over.set()
        self._thread.join()
        self._stop()

    def _follow(self) -> None:
        while not self._over.wait(1):
            container = self._container()
            if container is None:
                self._stop()
            elif self._process is None or self._process.poll() is not None:
                self._start(container["args"])

    def _container(self) -> dict[str, Any] | None:
        """Return the container of the pod that runs and is not being deleted."""
        selector = f"--selector={NAME_LABEL}={EXTERNAL_SECRETS}"
        found = self._plane.kubectl("get", "pods", selector, f"--namespace={NAMESPACE}", "-o=json")
        for pod in json.loads(found)["items"]:
            if (
                pod["status"].get("phase") == "Running"
                and "deletionTimestamp" not in pod["metadata"]
            ):
                container: dict[str, Any] = pod["spec"]["containers"][0]
                return container
        return None

    def _start(self, arguments: list[str]) -> None:
        kubeconfig = self._plane.kubeconfig_of(EXTERNAL_SECRETS, NAMESPACE)
        with (self._folder / "external-secrets.log").open("ab") as log:
            self._process = subprocess.Popen(
                # The last of an argument counts; 0 is no server.
                [PROGRAM, *arguments, "--metrics-addr=0"],
                env={
                    **os.environ,
                    "KUBECONFIG": str(kubeconfig),
                    "AWS_SECRETSMANAGER_ENDPOINT": self._aws_url,
                    "AWS_ACCESS_KEY_ID": KEY,
                    "AWS_SECRET_ACCESS_KEY": KEY,
                    "AWS_REGION": REGION,
                    "AWS_EC2_METADATA_DISABLED": "true",
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None
