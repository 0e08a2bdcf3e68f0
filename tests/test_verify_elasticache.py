"""verify.py where Redis is in ElastiCache: it asks in the worker's pod."""

import json
from pathlib import Path
from typing import Final

import pytest

from capacity.redis import read_state
from tests.helpers.kubectl import Kubectl
from tests.helpers.node import NODE
from tests.helpers.worker_image import write_module
from verification.checks import CHECKS
from verification.cluster import Cluster
from verification.redis import connect

URL: Final = "rediss://default:do-not-print@redis.example.com:6379/0"
INFO: Final = "# Memory\r\nused_memory:1048576\r\nmaxmemory:4194304\r\n"
# Ten jobs wait in a queue, the first of them for 100 s.
IOREDIS: Final = """
const replies = {
  PING: () => "PONG",
  INFO: () => MEMORY,
  TIME: () => ["1800000000", "5"],
  LLEN: (key) => (key === "bull:trace-upsert:wait" ? 10 : 0),
  ZCOUNT: () => 0,
  ZRANGE: () => [],
  LINDEX: (key) => (key === "bull:trace-upsert:wait" ? "7" : null),
  HMGET: (key) => (key === "bull:trace-upsert:7" ? ["1799999900000", "{}"] : [null, null]),
};
module.exports = class {
  constructor(url) { this.url = url; }
  on(_, listener) { this.listener = listener; }
  pipeline(commands) {
    const answer = ([, name, ...rest]) => [null, replies[name](...rest)];
    return { exec: async () => {
      if (process.env.REFUSED) {
        this.listener(new Error("WRONGPASS invalid username-password pair"));
        throw new Error(`Reached the max retries, ${this.url}`);
      }
      return commands.map(answer);
    } };
  }
};
""".replace("MEMORY", json.dumps(INFO))


@pytest.fixture
def kubectl(tmp_path: Path) -> Kubectl:
    write_module(tmp_path, "ioredis", IOREDIS)
    kubectl = Kubectl(tmp_path)
    kubectl.rule("*get?configmaps*langfuse-redis-switch*", "echo configmap/langfuse-redis-switch")
    run_in_the_pod(kubectl, tmp_path, "")
    return kubectl


def run_in_the_pod(kubectl: Kubectl, folder: Path, variables: str) -> None:
    shift = 'while [ "$1" != -- ]; do shift; done; shift 2'
    run = f'exec env -i REDIS_CONNECTION_STRING={URL} {variables} {NODE} "$@"'
    kubectl.rule("*exec?deployment/langfuse-worker*", f"{shift}; cd {folder}; {run}")


@pytest.fixture
def cluster(tmp_path: Path, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    assert kubectl
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})


def line(cluster: Cluster, part: str) -> tuple[bool, str]:
    (check,) = [check for check in CHECKS if check.part == part]
    return check.line(cluster)


def test_redis_answers(cluster: Cluster) -> None:
    assert line(cluster, "redis") == (True, "redis        ok   PONG")


def test_memory_and_queues(cluster: Cluster) -> None:
    state = read_state(cluster)
    assert (state.used_bytes, state.limit_bytes) == (2**20, 2**22)
    (queue,) = (each for each in state.queues if each.waiting)
    assert (queue.name, queue.waiting) == ("trace-upsert", 10)
    assert queue.oldest_seconds == pytest.approx(100, abs=0.1)


def test_redis_refuses(cluster: Cluster, kubectl: Kubectl, tmp_path: Path) -> None:
    run_in_the_pod(kubectl, tmp_path, "REFUSED=1")
    ok, said = line(cluster, "redis")
    assert not ok
    assert "answers WRONGPASS invalid username-password pair" in said
    assert said.endswith("or docs/elasticache.md#if-redis-does-not-answer")
    assert "do-not-print" not in said


def test_its_pod_is_not_missed(cluster: Cluster, kubectl: Kubectl) -> None:
    found = {"metadata": {"name": "w"}, "spec": {"replicas": 1}, "status": {"readyReplicas": 1}}
    kubectl.answer("*get?deployments*", {"items": []})
    kubectl.answer("*get?deployment/*", {"items": [found] * 3})
    kubectl.rule("*get?deployment*statefulset/langfuse-redis-master*", "exit 1")
    assert line(cluster, "pods") == (True, "pods         ok   3 ready")


def test_replies_are_those_of_a_port_forward(cluster: Cluster) -> None:
    """Numbers are text, and what does not exist is nothing, in lists as well."""
    with connect(cluster) as redis:
        length, job = redis.run(("LLEN", "bull:trace-upsert:wait"), ("HMGET", "none", "opts"))
    assert (length, job) == ("10", [None, None])
