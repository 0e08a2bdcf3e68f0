"""A cluster of kind with two nodes for pods, and the way from them to this machine."""

import json
import platform
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Final

from tests.helpers.serving import serving
from tests.rehearsal.stand_ins.cluster_objects import ZONES

NAME: Final = "langfuse-images"
# Of kind 0.33.0, for the Kubernetes that a deploy makes.
NODE: Final = (
    "kindest/node:v1.36.4@sha256:"
    "099e049362a1526b2db71494e1947aae99bd16290d7c895f2b7ea312e3cbfaed"  # pragma: allowlist secret
)
PROGRAMS: Final = ("docker", "kind", "kubectl", "terraform", "npx")
SECONDS: Final = 600
CHUNK: Final = 2**16


def missing() -> str | None:
    """Return what this machine lacks, in one line, or None."""
    if lacking := [program for program in PROGRAMS if shutil.which(program) is None]:
        return f"not on PATH: {', '.join(lacking)}"
    try:
        subprocess.run(["docker", "info"], capture_output=True, check=True, timeout=20)
    except (OSError, subprocess.SubprocessError):
        return "Docker does not run"
    return None


@contextmanager
def cluster(kubeconfig: Path) -> Iterator[None]:
    """Make a cluster, write its kubeconfig, and delete it at the end."""
    nodes = [{"role": "control-plane"}] + [
        {"role": "worker", "labels": {"topology.kubernetes.io/zone": zone}} for zone in ZONES[:2]
    ]
    document = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}
    made = ["kind", "create", "cluster", "--name", NAME, "--image", NODE, "--config=-", "--wait=3m"]
    try:
        subprocess.run(
            [*made, f"--kubeconfig={kubeconfig}"],
            input=json.dumps(document),
            text=True,
            check=True,
            timeout=SECONDS,
        )
        yield
    finally:
        deleted = ["kind", "delete", "cluster", "--name", NAME, f"--kubeconfig={kubeconfig}"]
        subprocess.run(deleted, check=False, timeout=SECONDS)


@contextmanager
def reachable(port: int) -> Iterator[str]:
    """Have a port of this machine's loopback be reachable from pods, and yield it as a URL.

    On Linux by a relay at the address of Docker's network, which nobody else reaches; Docker
    Desktop has a name for that.
    """
    if platform.system() != "Linux":
        yield f"http://host.docker.internal:{port}"
        return
    template = "{{range .IPAM.Config}}{{.Gateway}} {{end}}"
    command = ["docker", "network", "inspect", "kind", "--format", template]
    gateways = subprocess.check_output(command, text=True).split()
    (gateway,) = (each for each in gateways if ":" not in each)
    with relay(gateway, port) as at:
        yield f"http://{gateway}:{at}"


@contextmanager
def relay(address: str, port: int) -> Iterator[int]:
    """Listen at an address of this machine, pass everything on to the loopback, yield the port."""

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as inside:
                back = threading.Thread(target=_copy, args=(inside, self.request), daemon=True)
                back.start()
                _copy(self.request, inside)
                back.join()

    class Server(ThreadingTCPServer):
        daemon_threads = True
        request_queue_size = 128

    with serving(Server((address, 0), Handler)) as server:
        yield int(server.server_address[1])


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
