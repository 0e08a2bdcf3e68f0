"""The Job that moves Langfuse between two Redis, on the real BullMQ, with jobs counted.

One Redis is as in the cluster; the other wants TLS and its password, as ElastiCache does.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import pytest

from capacity.redis import read_state
from in_cluster.backup_values import LOCAL
from in_cluster.redis_switch_values import SCRIPT, redis_switch_values
from in_cluster.worker_modules import LOADER
from tests.helpers.kubectl import Kubectl
from tests.rehearsal.conftest import lacks
from tests.rehearsal.stand_ins.certificates import Authority
from tests.rehearsal.stand_ins.deployments import Deployments
from tests.rehearsal.test_replay import LIBRARIES, start_redis
from verification.cluster import Cluster

pytestmark = pytest.mark.rehearsal

PASSWORD: Final = "do-not-print"  # noqa: S105 - of the stand-in
WEB: Final = "langfuse-web"
WORKER: Final = "langfuse-worker"
# Two names of this machine: the script tells the two Redis apart by their hosts.
IN_CLUSTER: Final = "127.0.0.1"
ELASTICACHE: Final = "localhost"

# In front of each: a connection to the Redis that the environment names.
CONNECTED: Final = """
const { Queue, Worker } = require("bullmq");
const Redis = require("ioredis");
const connection = new Redis(process.env.URL, { maxRetriesPerRequest: null });
"""
# Jobs of two queues, one that comes later, and one that makes another.
ADD: Final = """
(async () => {
  const add = (name, data, options) => new Queue(name, { connection }).add("job", data, options);
  for (let number = 0; number < 40; number++) await add("otel-ingestion-queue", { number });
  await add("ingestion-queue", { number: 40 }, { delay: 1000 });
  await add("create-eval-queue", { number: 41, follows: "evaluation-execution-queue" });
  process.exit(0);
})();
"""
# Langfuse's worker: takes 20 ms for a job, and prints its number.
TAKE: Final = """
const names = ["otel-ingestion-queue", "ingestion-queue", "create-eval-queue",
  "evaluation-execution-queue"];
for (const name of names) {
  const take = async ({ data }) => {
    await new Promise((done) => setTimeout(done, 20));
    const { follows, number } = data;
    if (follows) await new Queue(follows, { connection }).add("job", { number: number + 1 });
    console.log(number);
  };
  new Worker(name, take, { connection });
}
process.stdin.on("end", () => process.exit(0)).resume();
"""
JOBS: Final = 43


class World:
    """Both Redis, Kubernetes, and the folder of the Job's pod."""

    def __init__(self, folder: Path, libraries: Path, ports: dict[str, int], ca: Path) -> None:
        """Lay the scripts as the pod has them."""
        self.folder = folder
        self.kubernetes = Deployments()
        self._libraries = libraries
        self._ca = ca
        self.urls = {
            IN_CLUSTER: f"redis://default:$(REDIS_PASSWORD)@{IN_CLUSTER}:{ports[IN_CLUSTER]}/0",
            ELASTICACHE: f"rediss://default:$(REDIS_PASSWORD)@{ELASTICACHE}:{ports[ELASTICACHE]}/0",
        }
        for file in (SCRIPT, LOADER):
            shutil.copy(file, folder)

    def versions(self) -> set[str]:
        """Return the versions of the real programs, for the report."""
        return {f"{name} {version}" for name, version in LIBRARIES.items()}

    def environment(self, host: str) -> dict[str, str]:
        """Return the environment of a process that uses the Redis on a host."""
        url = self.urls[host].replace("$(REDIS_PASSWORD)", PASSWORD)
        path = os.environ["PATH"]
        return {"PATH": path, "URL": url, "NODE_EXTRA_CA_CERTS": str(self._ca)}

    def node(self, script: str, host: str) -> "subprocess.Popen[str]":
        """Start a script with the libraries, connected to the Redis on a host."""
        file = self._libraries / f"{abs(hash(script))}.js"
        file.write_text(CONNECTED + script, encoding="utf-8")
        return subprocess.Popen(
            ["node", str(file)],
            env=self.environment(host),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def switch(self, key: str, target: str, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run a Job of the release: its own script and environment, but for where things are."""
        values = redis_switch_values(image="worker", redis=target, durations=LOCAL)
        (container,) = values["manifests"][key]["spec"]["template"]["spec"]["containers"]
        given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        return subprocess.run(
            ["node", SCRIPT.name],
            cwd=self.folder,
            env={
                **given,
                "PATH": os.environ["PATH"],
                "REDIS_HOST": target,
                "REDIS_PASSWORD": PASSWORD,
                "NODE_EXTRA_CA_CERTS": str(self._ca),
                "KUBERNETES_URL": self.kubernetes.url,
                "POLL_SECONDS": "0.1",
                **more,
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def add_jobs(self, host: str) -> None:
        """Queue the jobs."""
        with self.node(ADD, host) as adding:
            adding.communicate()
        assert adding.returncode == 0

    @contextmanager
    def langfuse_on(self, host: str) -> Iterator[None]:
        """Have Langfuse use the Redis on a host, with no worker."""
        self.kubernetes = Deployments()
        self.kubernetes.variables["REDIS_CONNECTION_STRING"] = self.urls[host]
        with self.kubernetes:
            yield

    def left(self, host: str) -> int:
        """Count the jobs on a host as verify.py does, in the worker's pod."""
        kubectl = Kubectl(self.folder)
        shift = 'while [ "$1" != -- ]; do shift; done; shift'
        variables = self.environment(host)
        given = " ".join(
            f"'{name}={value}'"
            for name, value in {**variables, "REDIS_CONNECTION_STRING": variables["URL"]}.items()
        )
        run = f'{shift}; cd {self.folder}; exec env -i {given} "$@"'
        kubectl.rule("*exec*deployment/langfuse-worker*", run)
        kubectl.rule("*configmaps*", "echo configmap/langfuse-redis-switch")
        path = f"{self.folder}:{os.environ['PATH']}"
        state = read_state(Cluster(self.folder / "kubeconfig", {"PATH": path}))
        assert state.used_bytes > 0
        return sum(each.waiting for each in state.queues)


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest, worker_modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Start both Redis."""
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        lacks(request, "neither redis-server nor valkey-server is on PATH")
    folder = tmp_path_factory.mktemp("redis-switch")
    (folder / "worker").symlink_to(worker_modules)
    authority = Authority()
    certificate, key = authority.issue("rehearsal", ELASTICACHE, ELASTICACHE)
    files = {"ca.pem": authority.pem, "server.pem": certificate, "server.key": key}
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    with ExitStack() as stack:
        plain = start_redis(stack, str(server), folder)
        tls = ("--tls-cert-file", "server.pem", "--tls-key-file", "server.key")
        ports = {
            IN_CLUSTER: plain,
            ELASTICACHE: start_redis(
                stack,
                str(server),
                folder,
                *tls,
                "--tls-ca-cert-file",
                "ca.pem",
                "--tls-auth-clients",
                "no",
                port_option="--tls-port",
            ),
        }
        yield World(folder, worker_modules, ports, folder / "ca.pem")


@pytest.fixture(params=[(IN_CLUSTER, ELASTICACHE, "there"), (ELASTICACHE, IN_CLUSTER, "back")])
def way(request: pytest.FixtureRequest) -> tuple[str, str, str]:
    """Return the host that is left, the one that is moved to, and the Job's key."""
    found: tuple[str, str, str] = request.param
    return found


def test_no_job_is_lost(environment: World, way: tuple[str, str, str]) -> None:
    """43 jobs, one of them delayed and one made by another: the worker takes each, once.

    Web is stopped before, the worker after. Cannot prove: that Helm then starts both on the other
    Redis; `test_elasticache` shows that.
    """
    source, target, key = way
    environment.add_jobs(source)
    with environment.langfuse_on(source), environment.node(TAKE, source) as worker:
        done = environment.switch(key, target)
        assert done.returncode == 0, done.stderr
        taken, _ = worker.communicate()
        changes = [(name, replicas) for _, name, replicas in environment.kubernetes.changes]
    assert sorted(map(int, taken.split())) == [*range(JOBS)]
    assert changes == [(WEB, 0), (WORKER, 0)]
    assert environment.left(source) == 0
    assert "redis: the queues are empty, " in done.stdout
    assert done.stdout.endswith(f"redis: nothing is left in {source}\n")


def test_worker_that_does_not_keep_up(environment: World, way: tuple[str, str, str]) -> None:
    """Jobs that stay are an error by their queue's name; web and worker go on with them."""
    source, target, key = way
    environment.add_jobs(source)
    with environment.langfuse_on(source):
        done = environment.switch(key, target, DRAIN_SECONDS="1")
        changes = [(name, replicas) for _, name, replicas in environment.kubernetes.changes]
        assert environment.kubernetes.replicas == {WEB: 1, WORKER: 1}
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "after 1 s the queues are not empty, left: 40 jobs in otel-ingestion-queue" in line
    assert line.endswith("docs/elasticache.md#if-the-switch-fails")
    assert PASSWORD not in done.stdout + done.stderr
    assert changes == [(WEB, 0), (WEB, 1)]
    assert environment.left(source) >= JOBS - 2
    with environment.langfuse_on(source), environment.node(TAKE, source) as worker:
        assert environment.switch(key, target).returncode == 0
        taken, _ = worker.communicate()
    assert len(taken.split()) == JOBS


def test_nothing_to_do(environment: World) -> None:
    """Without Langfuse, or on the right Redis already, nothing is stopped; a stopped one starts."""
    with environment.langfuse_on(ELASTICACHE):
        environment.kubernetes.replicas = {WEB: 0, WORKER: 0}
        done = environment.switch("there", ELASTICACHE)
        assert done.returncode == 0, done.stderr
        assert environment.kubernetes.replicas == {WEB: 1, WORKER: 1}
        environment.kubernetes.replicas.clear()
        done = environment.switch("there", ELASTICACHE)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "redis: Langfuse is not installed: no job is left anywhere\n"


def test_redis_is_away(environment: World) -> None:
    """A Redis that does not answer is an error before anything stops; one that is gone is not."""
    with environment.langfuse_on(IN_CLUSTER):
        url = "redis://default:$(REDIS_PASSWORD)@{}:1/0"
        environment.kubernetes.variables["REDIS_CONNECTION_STRING"] = url.format(IN_CLUSTER)
        done = environment.switch("there", ELASTICACHE)
        assert done.returncode == 1
        assert "Redis does not answer: connect ECONNREFUSED" in done.stderr
        environment.kubernetes.variables["REDIS_CONNECTION_STRING"] = url.format("gone.invalid")
        done = environment.switch("back", IN_CLUSTER)
        assert done.returncode == 0, done.stderr
        assert "gone.invalid is gone" in done.stdout
        assert environment.kubernetes.changes == []
