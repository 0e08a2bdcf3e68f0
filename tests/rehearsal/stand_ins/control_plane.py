"""A real Kubernetes control plane on loopback: charts meet real admission and scheduling.

Only the machines are simulated, by kwok: a pod becomes ready because it was placed, and a volume
exists because a placed pod claimed it.
"""

import base64
import http.server
import ipaddress
import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from os import killpg
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from .certificates import Authority
from .cluster_objects import SYSTEM_WORKLOADS, T3_MEDIUM, ZONES, NodeSize, node, system_workload
from .kwok_stages import kwok_stages

PROGRAMS: Final = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kwok",
    "kubectl",
)
SERVICES: Final = ipaddress.IPv4Network("172.20.0.0/16")
LOOPBACK: Final = "127.0.0.1"


class ControlPlaneError(RuntimeError):
    """Something did not start or did not become ready; the message carries its last words."""


def missing_programs() -> list[str]:
    """Name what is not on PATH, so that a test can say in one line why it skips."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _kubeconfig(cluster: dict[str, str], user: dict[str, str]) -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "rehearsal", "cluster": cluster}],
            "users": [{"name": "rehearsal", "user": user}],
            "contexts": [
                {"name": "rehearsal", "context": {"cluster": "rehearsal", "user": "rehearsal"}}
            ],
            "current-context": "rehearsal",
        }
    )


class _TokenReview(http.server.BaseHTTPRequestHandler):
    """Accept the tokens of `aws eks get-token` as EKS does, with their signature on trust."""

    def do_POST(self) -> None:
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status: dict[str, Any] = {"authenticated": False}
        if review["spec"].get("token", "").startswith("k8s-aws-v1."):
            status = {
                "authenticated": True,
                "user": {"username": "eks-admin", "groups": ["system:masters"]},
            }
        body = json.dumps(
            {"apiVersion": review["apiVersion"], "kind": "TokenReview", "status": status}
        ).encode()
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Keep the test's own output readable."""


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return [int(each.getsockname()[1]) for each in sockets]


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Stop a whole process group, by force where asking does not help."""
    for number, patience in ((signal.SIGTERM, 15), (signal.SIGKILL, 15)):
        with suppress(ProcessLookupError):
            killpg(process.pid, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(patience)


def _listening(port: int) -> bool:
    with suppress(OSError), socket.create_connection((LOOPBACK, port), 1):
        return True
    return False


class ControlPlane:
    """One throw-away cluster: enter it to start everything, leave it and nothing is left running.

    The children also die with the thread that started them (where Linux's setpriv is at hand), so
    that a killed test run leaves nothing behind; enter it from a thread that outlives the cluster.
    """

    endpoint: str
    ca_pem: str
    kubeconfig: Path

    def __init__(self, directory: Path) -> None:
        """Keep data, certificates and a log per program in the directory, which must be new."""
        self._directory = directory
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._nodes: dict[str, dict[str, Any]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        """Start everything, or nothing."""
        if missing := missing_programs():
            message = f"not on PATH: {', '.join(missing)}"
            raise ControlPlaneError(message)
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._stack = stack
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop in the reverse order, so that nobody waits for a server that has gone."""
        self._stack.close()

    def add_nodes(
        self, count: int, size: NodeSize = T3_MEDIUM, zones: Sequence[str] = ZONES
    ) -> list[str]:
        """Add machines, alternating between the zones, and wait until they take pods."""
        names = []
        for position, number in enumerate(range(len(self._nodes), len(self._nodes) + count)):
            zone = zones[position % len(zones)]
            name = f"ip-10-0-{ZONES.index(zone)}-{10 + number}.{zone}.rehearsal"
            self._nodes[name] = node(name, zone, size)
            names.append(name)
        for name in names:
            self.restore_node(name)
        return names

    def nodes(self) -> list[str]:
        """Name the machines that are there."""
        names = self.kubectl("get", "nodes", "--output=name").split()
        return [name.removeprefix("node/") for name in names]

    def remove_node(self, name: str) -> None:
        """Lose a machine with its pods, as garbage collection has it after a minute."""
        self.kubectl("delete", "node", name)
        selector = f"--field-selector=spec.nodeName={name}"
        self.kubectl("delete", "pods", "--all-namespaces", selector, "--force", "--grace-period=0")

    def restore_node(self, name: str) -> None:
        """Bring a machine (back) under its name, and wait until pods can be placed on it."""
        self.kubectl("create", "--filename=-", manifest=self._nodes[name])
        taints_and_readiness = (
            "jsonpath={.spec.taints}{.status.conditions[?(@.type=='Ready')].status}"
        )
        query = ("get", f"node/{name}", f"--output={taints_and_readiness}")
        self._wait_for("kwok", lambda: self.kubectl(*query) == "True")

    def add_system_pods(self) -> None:
        """Take from the nodes what EKS's own add-ons request, so that what fits here fits there."""
        workloads = [system_workload(*each) for each in SYSTEM_WORKLOADS]
        self.kubectl(
            "apply",
            "--filename=-",
            manifest={"apiVersion": "v1", "kind": "List", "items": workloads},
        )
        for kind, name, _ in SYSTEM_WORKLOADS:
            self.kubectl(
                "rollout", "status", f"{kind}/{name}", "--namespace=kube-system", "--timeout=120s"
            )

    def kubectl(self, *arguments: str, manifest: dict[str, Any] | None = None) -> str:
        """Run kubectl as the administrator, with a manifest on its standard input."""
        text = json.dumps(manifest) if manifest else ""
        options = (f"--kubeconfig={self.kubeconfig}", f"--cache-dir={self._directory / 'kubectl'}")
        result = subprocess.run(
            ["kubectl", *options, *arguments],
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        if result.returncode != 0:
            message = f"kubectl {' '.join(arguments)}: {result.stderr.strip()}"
            raise ControlPlaneError(message)
        return result.stdout

    def kubeconfig_of(self, service_account: str, namespace: str) -> Path:
        """Write the kubeconfig of a service account, with an hour's token, and return its path."""
        token = self.kubectl("create", "token", service_account, f"--namespace={namespace}")
        kubeconfig = _kubeconfig(self._cluster, {"token": token.strip()})
        return self._write(f"{service_account}.kubeconfig", kubeconfig)

    def left_in(self, namespace: str) -> list[str]:
        """Name the pods and claims of a namespace, and all volumes."""
        kinds = "pods,persistentvolumeclaims,persistentvolumes"
        return self.kubectl("get", kinds, "--output=name", f"--namespace={namespace}").split()

    def _start(self) -> None:
        etcd_port, peer_port, api_port = _free_ports(3)
        self.endpoint = f"https://{LOOPBACK}:{api_port}"
        etcd, peer = f"http://{LOOPBACK}:{etcd_port}", f"http://{LOOPBACK}:{peer_port}"
        files = self._write_files(self._serve_tokens())
        self._spawn(
            "etcd",
            f"--data-dir={self._directory / 'etcd'}",
            f"--listen-client-urls={etcd}",
            f"--advertise-client-urls={etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",
        )
        self._wait_for("etcd", lambda: _listening(etcd_port))
        self._spawn(
            "kube-apiserver",
            f"--etcd-servers={etcd}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--secure-port={api_port}",
            "--endpoint-reconciler-type=none",
            "--authorization-mode=RBAC",
            "--allow-privileged",
            f"--service-cluster-ip-range={SERVICES}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={files['accounts.key']}",
            f"--service-account-signing-key-file={files['accounts.key']}",
            f"--client-ca-file={files['ca.crt']}",
            f"--tls-cert-file={files['server.crt']}",
            f"--tls-private-key-file={files['server.key']}",
            f"--authentication-token-webhook-config-file={files['webhook.kubeconfig']}",
            "--authentication-token-webhook-version=v1",
        )
        self._wait_for("kube-apiserver", lambda: self._answers("get", "--raw=/readyz"))
        login = f"--kubeconfig={self.kubeconfig}"
        self._spawn(
            "kube-controller-manager",
            login,
            "--leader-elect=false",
            "--secure-port=0",
            "--controllers=*,-persistentvolume-attach-detach-controller",
            f"--root-ca-file={files['ca.crt']}",
            f"--service-account-private-key-file={files['accounts.key']}",
        )
        self._spawn("kube-scheduler", login, "--leader-elect=false", "--secure-port=0")
        stages = f"--config={files['stages.yaml']}"
        self._spawn(
            "kwok", login, stages, "--manage-all-nodes=true", "--node-lease-duration-seconds=40"
        )
        account = ("get", "serviceaccount/default", "--namespace=default")
        self._wait_for("kube-controller-manager", lambda: self._answers(*account))

    def _serve_tokens(self) -> str:
        server = http.server.ThreadingHTTPServer((LOOPBACK, 0), _TokenReview)
        self._stack.callback(server.server_close)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self._stack.callback(server.shutdown)
        return f"http://{LOOPBACK}:{server.server_port}/"

    def _write_files(self, webhook: str) -> dict[str, Path]:
        authority = Authority()
        self.ca_pem = authority.pem
        server = authority.issue(
            "rehearsal", "kube-apiserver", ipaddress.IPv4Address(LOOPBACK), SERVICES[1]
        )
        certificate, key = authority.issue("system:masters", "kubernetes-admin")
        admin = {"client-certificate-data": _base64(certificate), "client-key-data": _base64(key)}
        contents = {
            "ca.crt": self.ca_pem,
            "server.crt": server[0],
            "server.key": server[1],
            "accounts.key": authority.issue("rehearsal", "service-accounts")[1],
            "admin.kubeconfig": _kubeconfig(self._cluster, admin),
            "webhook.kubeconfig": _kubeconfig({"server": webhook}, {}),
            "stages.yaml": "\n---\n".join(json.dumps(stage) for stage in kwok_stages()),
        }
        files = {name: self._write(name, text) for name, text in contents.items()}
        self.kubeconfig = files["admin.kubeconfig"]
        return files

    def _write(self, name: str, text: str) -> Path:
        file = self._directory / name
        file.touch(mode=0o600)
        file.write_text(text, encoding="utf-8")
        return file

    @property
    def _cluster(self) -> dict[str, str]:
        """Where the API server is, as a kubeconfig says it."""
        return {"server": self.endpoint, "certificate-authority-data": _base64(self.ca_pem)}

    def _spawn(self, program: str, *arguments: str) -> None:
        dying_with_parent = (
            ("setpriv", "--pdeathsig", "KILL", "--") if shutil.which("setpriv") else ()
        )
        with (self._directory / f"{program}.log").open("ab") as log:
            process = subprocess.Popen(
                [*dying_with_parent, program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._stack.callback(_stop, process)
        self._processes[program] = process

    def _answers(self, *arguments: str) -> bool:
        with suppress(ControlPlaneError):
            self.kubectl(*arguments, "--request-timeout=2s")
            return True
        return False

    def _wait_for(self, program: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 90
        while not ready():
            exited = [
                name for name, process in self._processes.items() if process.poll() is not None
            ]
            if exited or time.monotonic() > deadline:
                culprit = exited[0] if exited else program
                log = (self._directory / f"{culprit}.log").read_text(errors="replace")
                message = f"{culprit} {'exited' if exited else 'is not ready'}:\n{log[-2000:]}"
                raise ControlPlaneError(message)
            time.sleep(0.1)
