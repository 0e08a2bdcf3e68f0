"""The dashboards: what they ask for exists and is kept, and their pictures are of them."""

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final

import pytest
import yaml

import capacity.clickhouse
import capacity.redis
from docs.dashboard_pictures import ENV_FILE, picture
from env_file import load_settings
from in_cluster.dashboards import filling, keeping_up
from in_cluster.dashboards.grafana import COLUMNS, Dashboard
from in_cluster.monitoring_values import SCRIPT, dashboards_of
from in_cluster.queues import QUEUES
from in_cluster.worker_modules import LOADER
from pricing.bill import bill
from tests.helpers.chart_values import Values, chart_values
from tests.helpers.checkout import ROOT
from tests.helpers.node import NODE
from tests.helpers.synthesis import Stacks, WithOptions
from tests.helpers.worker_image import write_module

RELEASE: Final = "langfuse-monitoring"
# Names of sources that are not here, each with where it was read.
KNOWN: Final = ROOT / "tests" / "data" / "metric_names.txt"
# What of an expression is no name of a metric.
WORDS: Final = {"by", "on", "or"}


@pytest.fixture(scope="module")
def monitored(with_options: WithOptions) -> Stacks:
    return with_options("monitoring")


@pytest.fixture(scope="module")
def manifests(monitored: Stacks) -> Values:
    found: Values = chart_values(monitored["app"], RELEASE)["manifests"]
    return found


@pytest.fixture(scope="module")
def shown() -> tuple[Dashboard, ...]:
    return dashboards_of(load_settings(ENV_FILE))


def names_in(expression: str) -> set[str]:
    """Return the metrics that an expression asks for."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|on) \([^)]*\)', " ", expression)
    found = set(re.findall(r"\b[a-zA-Z_]\w*\b(?!\s*\()", bare))
    return {name for name in found - WORDS if not re.fullmatch(r"e\d+", name)}


def queries(shown: tuple[Dashboard, ...]) -> Iterator[str]:
    for dashboard in shown:
        for panel in dashboard.panels:
            yield from panel.queries.values()


def listed() -> set[str]:
    lines = KNOWN.read_text(encoding="utf-8").splitlines()
    return {line for line in lines if line and not line.startswith("#")}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what the exporter tells, with a Redis and a ClickHouse of a few lines."""
    folder = tmp_path_factory.mktemp("exporter")
    for file in (SCRIPT, LOADER):
        (folder / file.name).write_bytes(file.read_bytes())
    write_module(folder, "ioredis", REDIS)
    (folder / "around.js").write_text(AROUND, encoding="utf-8")
    done = subprocess.run(  # noqa: S603
        [NODE, "--require", "./around.js", SCRIPT.name],
        cwd=folder,
        env={
            "QUEUES": ",".join(QUEUES),
            "PORT": "0",
            "REDIS_HOST": "redis",
            "REDIS_PORT": "6379",
            "CLICKHOUSE_URL": "http://clickhouse",
            "CLICKHOUSE_USER": "default",
            "CLICKHOUSE_PASSWORD": "do-not-print",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "do-not-print" not in done.stdout + done.stderr
    return done.stdout


REDIS: Final = """
const answers = {
  info: "used_memory:1024\\r\\nmaxmemory:2048\\r\\nconnected_clients:3\\r\\n" +
    "total_commands_processed:4\\r\\nevicted_keys:0\\r\\nuptime_in_seconds:5\\r\\n",
  time: ["1000", "0"], llen: 2, zcard: 1, zcount: 0, get: "7", zrange: [], lindex: "1",
  hmget: ["990000", "{}"],
};
module.exports = class {
  on() {}
  pipeline(commands) {
    return { exec: async () => commands.map(([name]) => [null, answers[name]]) };
  }
};
"""
# Asks for the page once, prints it, and ends.
AROUND: Final = """
const http = require("node:http");
globalThis.fetch = async () => ({ ok: true, text: async () => "traces\\t100\\t10\\n" });
const listen = http.Server.prototype.listen;
http.Server.prototype.listen = function (port, then) {
  return listen.call(this, port, () => {
    const { port } = this.address();
    http.get({ port, path: "/metrics" }, (answer) => {
      answer.pipe(process.stdout);
      answer.on("end", () => process.exit(0));
    });
  });
};
"""


def test_exporter_tells_of_queues_redis_and_tables(page: str) -> None:
    for line in (
        'langfuse_store_up{store="redis"} 1',
        'langfuse_store_up{store="clickhouse"} 1',
        # Two that wait, two of a paused queue, and one with a priority.
        'langfuse_queue_jobs{queue="otel-ingestion-queue",state="waiting"} 5',
        'langfuse_queue_jobs{queue="otel-ingestion-queue",state="delayed"} 1',
        'langfuse_queue_added_total{queue="otel-ingestion-queue"} 7',
        'langfuse_queue_oldest_seconds{queue="otel-ingestion-queue"} 10',
        "redis_memory_max_bytes 2048",
        'langfuse_table_bytes{table="traces"} 100',
        'langfuse_table_rows{table="traces"} 10',
    ):
        assert line in page.splitlines()
    assert page.count("langfuse_queue_oldest_seconds{") == len(QUEUES)


def test_dashboards_ask_for_metrics_that_exist(shown: tuple[Dashboard, ...], page: str) -> None:
    """Of the exporter as it answers; of the others as their sources list them."""
    told = {line.split("{")[0].split(" ")[0] for line in page.splitlines() if line[:1] != "#"}
    asked = {name for query in queries(shown) for name in names_in(query)}
    assert len(asked) > 30
    assert asked - told - listed() == set()


def test_list_of_metrics_has_no_other(shown: tuple[Dashboard, ...]) -> None:
    asked = {name for query in queries(shown) for name in names_in(query)}
    assert listed() - asked == set()


def test_names_are_found() -> None:
    query = 'sum by (pod) (rate(a_total{b="c_d"}[5m])) / on (node) e1x > 1e6 or vector(0)'
    assert names_in(query) == {"a_total", "e1x"}


def test_kept_are_the_metrics_that_are_asked_for(
    manifests: Values, shown: tuple[Dashboard, ...]
) -> None:
    scraped = yaml.safe_load(manifests["metricsConfiguration"]["data"]["scrape.yaml"])
    asked = {name for query in queries(shown) for name in names_in(query)}
    for job, prefixes in (("kubelet", ("kubelet_",)), ("cadvisor", ("container_", "machine_"))):
        (found,) = [each for each in scraped["scrape_configs"] if each["job_name"] == job]
        pattern = found["metric_relabel_configs"][0]["regex"]
        wanted = {name for name in asked if name.startswith(prefixes)}
        assert {name for name in wanted if not re.fullmatch(pattern, name)} == set()


@pytest.mark.parametrize(
    ("labels", "kept"),
    [
        (";langfuse", True),
        ("/kubepods.slice/pod1/c;langfuse", True),
        ("/kubepods.slice/pod1/c;kube-system", True),
        ("/;", True),
        (";", True),
        ("/system.slice/kubelet.service;", False),
        ("/kubepods.slice/pod1/c;default", False),
    ],
)
def test_series_of_others_are_dropped(manifests: Values, labels: str, *, kept: bool) -> None:
    scraped = yaml.safe_load(manifests["metricsConfiguration"]["data"]["scrape.yaml"])
    (job,) = [each for each in scraped["scrape_configs"] if each["job_name"] == "cadvisor"]
    rule = job["metric_relabel_configs"][1]
    assert rule["source_labels"] == ["id", "namespace"]
    assert bool(re.fullmatch(rule["regex"], labels)) is kept


def test_panels_fit_the_grid(shown: tuple[Dashboard, ...]) -> None:
    for dashboard in shown:
        taken: set[tuple[int, int]] = set()
        for panel, x, y in dashboard.placed():
            cells = {*product(range(x, x + panel.width), range(y, y + panel.height))}
            assert not cells & taken
            assert x + panel.width <= COLUMNS
            taken |= cells


def test_models_are_what_grafana_reads(manifests: Values, shown: tuple[Dashboard, ...]) -> None:
    data = manifests["dashboards"]["data"]
    assert set(data) == {f"{each.uid}.json" for each in shown}
    sources = yaml.safe_load(manifests["grafanaConfiguration"]["data"]["sources.yaml"])
    (source,) = sources["datasources"]
    for text in data.values():
        model: dict[str, Any] = json.loads(text)
        ids = [panel["id"] for panel in model["panels"]]
        assert len(set(ids)) == len(ids)
        for panel in model["panels"]:
            assert panel["datasource"] == {"type": source["type"], "uid": source["uid"]}
            assert panel["description"]
            assert [each["instant"] for each in panel["targets"]] == [
                panel["type"] != "timeseries"
            ] * len(panel["targets"])


def test_colours_are_those_of_verify() -> None:
    assert keeping_up.MANY == capacity.redis.MANY
    assert keeping_up.OLD == capacity.redis.OLD
    assert filling.FULL == capacity.clickhouse.FULL_DISK == capacity.redis.FULL


def test_nodes_without_a_price_cost_no_guess(every_variable: Stacks) -> None:
    data = chart_values(every_variable["app"], RELEASE)["manifests"]["dashboards"]["data"]
    titles = [panel["title"] for panel in json.loads(data["costs.json"])["panels"]]
    assert "A month, by part" in titles
    assert not {"A month like now", "A million jobs"} & {*titles}


@pytest.mark.parametrize("options", [("monitoring",), ("monitoring", "awake_hours")], ids="+".join)
def test_prices_are_those_of_the_bill(with_options: WithOptions, options: Sequence[str]) -> None:
    stacks = with_options(*options)
    pages = chart_values(stacks["app"], "langfuse-monitoring")["manifests"]["dashboards"]["data"]
    (total,) = [
        panel["targets"][0]["expr"]
        for panel in json.loads(pages["costs.json"])["panels"]
        if panel["title"] == "A month like now"
    ]
    (node,) = re.findall(r"count\(machine_memory_bytes\) \* ([\d.]+)", total)
    items = {each.what: each.up or 0 for each in bill({"network": stacks["network"].json})}
    nodes = ("2 x t3.large", "2 x 20 GB gp3", "2 public IPv4")
    usd = sum(amount for what, amount in items.items() if what.startswith(nodes)) / 2
    # Nodes wake ten minutes after the database does, which the dashboard leaves out.
    assert float(node) == pytest.approx(usd, rel=0.001 if len(options) == 1 else 0.02)


@pytest.mark.parametrize("uid", ["keeping-up", "filling", "costs"])
def test_picture_is_of_the_dashboard(shown: tuple[Dashboard, ...], uid: str) -> None:
    (dashboard,) = [each for each in shown if each.uid == uid]
    text = picture(dashboard).read_text(encoding="utf-8")
    titles = re.findall(r'<text class="title"[^>]*>([^<]*)<', text)
    assert titles == [panel.title for panel in dashboard.panels]
