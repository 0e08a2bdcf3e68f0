"""Dashboards on the real VictoriaMetrics, and the exporter on the real Redis and BullMQ."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

import versions
from docs import stand_in_metrics
from docs.dashboard_pictures import ENV_FILE, answers
from env_file import load_settings
from in_cluster.dashboards.grafana import Dashboard
from in_cluster.monitoring_values import SCRIPT, dashboards_of
from in_cluster.queues import QUEUES
from in_cluster.scrape_configuration import scrape_configuration
from in_cluster.worker_modules import LOADER
from tests.rehearsal.conftest import lacks
from tests.rehearsal.environment import wait_until
from tests.rehearsal.stand_ins import victoria_metrics
from tests.rehearsal.stand_ins.loopback import LOOPBACK, Loopback, Request, Response
from tests.rehearsal.stand_ins.victoria_metrics import VictoriaMetrics
from tests.rehearsal.test_replay import LIBRARIES, PASSWORD, start_redis
from verification.monitoring import QUERY

pytestmark = pytest.mark.rehearsal

# Jobs that are taken later, at once and never, and one that fails.
ADD: Final = """
const { Queue, Worker } = require("bullmq");
const connection = { host: "127.0.0.1", port: Number(process.env.REDIS_PORT),
  password: process.env.REDIS_PASSWORD, maxRetriesPerRequest: null };
(async () => {
  const queue = (name) => new Queue(name, { connection });
  for (let n = 0; n < 5; n++) await queue("otel-ingestion-queue").add("job", { n });
  await queue("ingestion-queue").add("job", {}, { delay: 3600000 });
  await queue("ingestion-queue").add("job", {}, { delay: 10 });
  await queue("trace-upsert").add("job", {}, { priority: 3 });
  await queue("webhook-queue").pause();
  await queue("webhook-queue").add("job", {});
  await queue("project-delete").add("job", {}, { attempts: 1 });
  const fail = async () => { throw new Error("no"); };
  new Worker("project-delete", fail, { connection }).on("failed", () => process.exit(0));
})();
"""


class ClickHouse(Loopback):
    """Answers the query for tables, with the password only."""

    def answer(self, request: Request) -> Response:
        """Return two tables."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        if headers.get("x-clickhouse-key") != PASSWORD:
            return Response(403, b"Code: 516")
        assert b"system.parts" in request.body
        return Response(200, b"observations\t4096\t40\ntraces\t1024\t10\n")


class World:
    """Redis, a ClickHouse of two tables, and the folder of the exporter's pod."""

    def __init__(self, folder: Path, libraries: Path, redis_port: int, clickhouse: str) -> None:
        """Lay the program as the pod has it."""
        self.folder = folder
        self._libraries = libraries
        self._given = {
            "PATH": os.environ["PATH"],
            "QUEUES": ",".join(QUEUES),
            "REDIS_HOST": LOOPBACK,
            "REDIS_PORT": str(redis_port),
            "REDIS_PASSWORD": PASSWORD,
            "CLICKHOUSE_URL": clickhouse,
            "CLICKHOUSE_USER": "default",
            "CLICKHOUSE_PASSWORD": PASSWORD,
        }
        for file in (SCRIPT, LOADER):
            shutil.copy(file, folder)

    def versions(self) -> set[str]:
        """Return the versions of the real programs, for the report."""
        return {
            f"VictoriaMetrics {versions.VICTORIA_METRICS_IMAGE}",
            *(f"{name} {version}" for name, version in LIBRARIES.items()),
        }

    def add_jobs(self) -> None:
        """Queue the jobs, and have one fail."""
        script = self._libraries / "add-jobs.js"
        script.write_text(ADD, encoding="utf-8")
        subprocess.run(["node", str(script)], env=self._given, check=True, timeout=60)

    @contextmanager
    def exporter(self, **other: str) -> Iterator[str]:
        """Run the exporter, and yield its address."""
        with socket.socket() as free:
            free.bind((LOOPBACK, 0))
            address = f"{LOOPBACK}:{free.getsockname()[1]}"
        given = {**self._given, "PORT": address.partition(":")[2], **other}
        with subprocess.Popen(
            ["node", SCRIPT.name], cwd=self.folder, env=given, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                # Until it listens.
                assert process.stdout
                assert process.stdout.readline().startswith("metrics: at port ")
                yield address
            finally:
                process.terminate()


def page(address: str) -> dict[str, float]:
    """Return what the exporter tells, by series."""
    text = httpx.get(f"http://{address}/metrics", timeout=20).raise_for_status().text
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, _, value in lines}


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest, worker_modules: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """Start Redis and ClickHouse."""
    if victoria_metrics.is_missing():
        lacks(request, f"{victoria_metrics.PROGRAM} is not on PATH")
    server = shutil.which("redis-server") or shutil.which("valkey-server")
    if server is None:
        lacks(request, "neither redis-server nor valkey-server is on PATH")
    folder = tmp_path_factory.mktemp("exporter")
    (folder / "worker").symlink_to(worker_modules)
    with ExitStack() as stack:
        clickhouse = stack.enter_context(ClickHouse())
        port = start_redis(stack, str(server), folder, "--maxmemory", "384mb")
        yield World(folder, worker_modules, port, clickhouse.url)


def test_exporter_tells_of_queues(environment: World) -> None:
    """Jobs that BullMQ has queued are told of, each by what it waits for.

    Cannot prove: Langfuse's own use of its queues.
    """
    environment.add_jobs()
    # What is delayed by 10 ms, is due.
    time.sleep(0.1)
    with environment.exporter() as address:
        told = page(address)

    def jobs(queue: str, state: str) -> float:
        return told[f'langfuse_queue_jobs{{queue="{queue}",state="{state}"}}']

    assert jobs("otel-ingestion-queue", "waiting") == 5
    assert (jobs("ingestion-queue", "waiting"), jobs("ingestion-queue", "delayed")) == (1, 1)
    assert jobs("trace-upsert", "waiting") == 1
    assert jobs("webhook-queue", "waiting") == 1
    assert (jobs("project-delete", "waiting"), jobs("project-delete", "failed")) == (0, 1)
    added = {
        queue: told[f'langfuse_queue_added_total{{queue="{queue}"}}']
        for queue in ("otel-ingestion-queue", "ingestion-queue", "webhook-queue", "trace-delete")
    }
    assert [*added.values()] == [5, 2, 1, 0]
    old = {
        queue: told[f'langfuse_queue_oldest_seconds{{queue="{queue}"}}']
        for queue in ("otel-ingestion-queue", "ingestion-queue", "webhook-queue", "project-delete")
    }
    assert 0 < old["ingestion-queue"] < old["otel-ingestion-queue"] < 60
    assert 0 < old["webhook-queue"] < 60
    assert old["project-delete"] == 0


def test_exporter_tells_of_stores(environment: World) -> None:
    """Redis' own numbers and the tables are told of; an absent store is told, and hides no other.

    Cannot prove: ClickHouse's answer, of which `test_engine` has the query.
    """
    with environment.exporter() as address:
        told = page(address)
    assert told["redis_memory_max_bytes"] == 384 * 2**20
    assert told["redis_memory_used_bytes"] > 2**19
    assert told['langfuse_table_bytes{table="observations"}'] == 4096
    stores = ('langfuse_store_up{store="redis"}', 'langfuse_store_up{store="clickhouse"}')
    assert [told[store] for store in stores] == [1, 1]
    with environment.exporter(REDIS_PORT="1", CLICKHOUSE_PASSWORD="another") as address:  # noqa: S106
        told = page(address)
    assert told == dict.fromkeys(stores, 0)
    with environment.exporter(REDIS_PASSWORD="another") as address:  # noqa: S106
        told = page(address)
    assert [told[store] for store in stores] == [0, 1]
    assert told['langfuse_table_rows{table="traces"}'] == 10


def test_exporter_is_scraped(environment: World, tmp_path: Path) -> None:
    """VictoriaMetrics asks the exporter by our configuration, and `verify.py`'s query sees it."""
    with environment.exporter() as address:
        configuration: dict[str, Any] = yaml.safe_load(scrape_configuration(clickhouse=False))
        (job,) = [
            each for each in configuration["scrape_configs"] if each["job_name"] == "langfuse"
        ]
        job["static_configs"] = [{"targets": [address]}]
        configuration |= {"scrape_configs": [job], "global": {"scrape_interval": "1s"}}
        file = tmp_path / "scrape.yaml"
        file.write_text(yaml.safe_dump(configuration), encoding="utf-8")
        with VictoriaMetrics(tmp_path, f"-promscrape.config={file}") as metrics:

            def seen() -> dict[str, str]:
                found = metrics.at(QUERY, int(time.time()) + 1)
                return {
                    each["metric"].get("store", each["metric"]["job"]): each["value"][1]
                    for each in found
                }

            wait_until(lambda: len(seen()) == 3, seconds=30)
            assert seen() == {"langfuse": "1", "redis": "1", "clickhouse": "1"}


@pytest.fixture(scope="module")
def week(environment: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Yield VictoriaMetrics with a week of made-up metrics."""
    assert environment
    with VictoriaMetrics(tmp_path_factory.mktemp("week")) as metrics:
        metrics.take(stand_in_metrics.lines())
        yield metrics


@pytest.mark.parametrize("dashboard", dashboards_of(load_settings(ENV_FILE)), ids=lambda d: d.uid)
def test_every_query_has_an_answer(week: VictoriaMetrics, dashboard: Dashboard) -> None:
    """Each query of each panel is PromQL that VictoriaMetrics answers, with numbers.

    Cannot prove: that Grafana draws it, and what real kubelets and a real ClickHouse tell.
    """
    panels = answers(week, dashboard)
    assert len(panels) == len(dashboard.panels)
    values = [value for lines in panels for line in lines for _, value in line.points]
    assert values
    assert all(value == value and abs(value) != float("inf") for value in values)  # noqa: PLR0124


def test_numbers_are_right(week: VictoriaMetrics) -> None:
    """What the made-up metrics have been made of is what the dashboards show."""
    shown = {
        panel.title: lines
        for dashboard in dashboards_of(load_settings(ENV_FILE))
        for panel, lines in zip(dashboard.panels, answers(week, dashboard), strict=True)
    }
    volumes = {line.legend: line.last for line in shown["Volumes"]}
    assert volumes["langfuse-clickhouse"] == pytest.approx(9.6 / 20, abs=0.01)
    (restarts,) = shown["Restarts of the last day"]
    assert restarts.last == 0
    (silent,) = shown["Sources that do not answer"]
    assert silent.last == 0
    left = {line.legend: line.last for line in shown["Days until a volume is full"]}
    assert left["langfuse-clickhouse"] == pytest.approx((20 - 9.6) / 0.45, rel=0.05)
    assert left["langfuse-redis"] == 999
    # Two t4g.large with disks and addresses, 27 GiB of volumes, control plane and database.
    (month,) = shown["A month like now"]
    assert month.last == pytest.approx(2 * (49.056 + 1.6 + 3.65) + 27 * 0.08 + 73 + 17.63, abs=0.05)
    come, done = shown["Jobs that come, and jobs that are done"]
    # In the jam of the last afternoon, less is done than comes.
    assert min(b - a for (_, a), (_, b) in zip(come.points, done.points, strict=True)) < -1
