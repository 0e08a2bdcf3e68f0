"""ClickHouse's own engine, chDB, with the configuration files of the release."""

import importlib.metadata
import importlib.util
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

import sizing
from capacity.clickhouse import QUERY as CAPACITY
from capacity.clickhouse import disk, memory, parse
from in_cluster import clickhouse
from in_cluster.monitoring_values import SCRIPT
from replaying import steps
from tests.helpers.checkout import ROOT
from tests.rehearsal.conftest import lacks

pytestmark = pytest.mark.rehearsal

PACKAGE = "chdb-core"
# What the image's own configuration has; ours must win over it.
IMAGE = "<clickhouse><mark_cache_size>5368709120</mark_cache_size></clickhouse>"
# Tables of Langfuse's schema that its migrations leave behind, besides others.
QUERY = "SELECT DISTINCT id FROM {} WHERE project_id = '{}' AND is_deleted = 0 AND id IN ('{}')"
TABLES = {"traces", "observations", "scores", "blob_storage_file_log", "project_environments"}


class Engine:
    """chDB in a process of its own, with the configuration of the release."""

    def __init__(self, folder: Path) -> None:
        """Write the configuration as the image's entrypoint finds it."""
        self._folder = folder
        self._configuration = folder / "config.xml"
        self._configuration.write_text(IMAGE, encoding="utf-8")
        ours = folder / "config.d" / "langfuse.xml"
        ours.parent.mkdir()
        ours.write_text(clickhouse.server_configuration(sizing.CLICKHOUSE), encoding="utf-8")

    def versions(self) -> set[str]:
        """Return the version of the engine, for the report."""
        return {f"{PACKAGE} {importlib.metadata.version(PACKAGE)}"}

    def run(self, *queries: str) -> list[str]:
        """Return the answers to the queries, which find what those before have left."""
        file = self._folder / "queries.json"
        file.write_text(json.dumps(queries), encoding="utf-8")
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "tests.helpers.clickhouse_engine",
                str(self._configuration),
                str(self._folder / "data"),
                str(file),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        answers: list[str] = json.loads(file.read_text(encoding="utf-8"))
        return answers


@pytest.fixture(scope="module")
def environment(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return the engine, in place of the stand-ins, of which it needs none."""
    if importlib.util.find_spec("chdb") is None:
        lacks(request, f"no {PACKAGE}; run: uv run --all-groups pytest -m rehearsal")
    return Engine(tmp_path_factory.mktemp("engine"))


def test_engine_knows_every_setting(environment: Engine) -> None:
    """ClickHouse's engine knows every setting of our configuration, and takes its value.

    Cannot prove: that removed system tables are absent (chDB has none), and the release of the
    image: the engine is a newer one.
    """
    ours = {
        each.tag: each.text
        for each in ET.fromstring(  # noqa: S314 - our own file
            clickhouse.server_configuration(sizing.CLICKHOUSE)
        )
        if each.text and each.text.strip()
    }
    assert len(ours) == 12
    (answer,) = environment.run("SELECT name, value FROM system.server_settings")
    known = dict(line.split("\t") for line in answer.splitlines())
    assert set(ours) <= set(known)
    differing = {name for name in ours if known[name] != ours[name]}
    # A limit of the server's process, of which chDB has none.
    assert differing <= {"max_concurrent_queries"}


def test_migrations_of_langfuse_pass(environment: Engine, mirror: Path) -> None:
    """All 37 ClickHouse migrations of Langfuse v3 pass on the engine with our configuration."""
    files = sorted((mirror / "langfuse-migrations" / "v3").glob("*.up.sql"))
    if not files:
        pytest.skip(f"no langfuse-migrations/v3 in {mirror}")
    assert len(files) == 37
    # As golang-migrate splits them, with x-multi-statement.
    statements = [
        statement
        for file in files
        for statement in file.read_text(encoding="utf-8").split(";")
        if statement.strip()
    ]
    *_, tables = environment.run(*statements, "SHOW TABLES FROM default")
    assert set(tables.split()) >= TABLES


def test_replayed_rows_are_found_and_not_doubled(environment: Engine, mirror: Path) -> None:
    """The query of replay.py finds rows in Langfuse's schema; a row written twice counts once."""
    if not (mirror / "langfuse-migrations" / "v3").is_dir():
        pytest.skip(f"no langfuse-migrations/v3 in {mirror}")
    script = steps.SCRIPT.read_text(encoding="utf-8")
    assert QUERY.partition("{}")[0] in script
    tables = re.findall(r'^  \w+: "(\w+)",$', script.partition("const TABLES")[2], re.MULTILINE)
    assert len(tables) == 4
    quoted = r"it\'s \\"
    write = f"(project_id, id, event_ts) VALUES ('p', '{quoted}', now())"
    for table in tables:
        answers = environment.run(
            f"INSERT INTO {table} {write}",
            f"INSERT INTO {table} {write}",
            f"{QUERY.format(table, 'p', quoted)} FORMAT JSONCompactEachRow",
            f"SELECT count() FROM {table} FINAL",  # noqa: S608 - a table of ours
        )
        assert [json.loads(answers[2]), answers[3].strip()] == [["it's \\"], "1"]


def test_capacity_is_read(environment: Engine) -> None:
    """verify.py reads disk and memory from the engine, and a query that was refused for memory.

    Cannot prove: that the disk is the volume, and the release of the image.
    """
    (well,) = environment.run(CAPACITY.removesuffix("FORMAT TSV"))
    server = parse(well)
    assert 0 < server.free_bytes < server.disk_bytes
    assert 0 < server.memory_bytes < server.memory_limit_bytes
    assert sizing.CLICKHOUSE.peak_mib is not None
    assert server.memory_limit_bytes == sizing.CLICKHOUSE.peak_mib * 2**20
    assert (server.refusals, memory(server).status) == (0, "ok")
    assert disk(server).values["total_bytes"] == server.disk_bytes
    large = "SELECT groupArray(number) FROM numbers(1e7) SETTINGS max_memory_usage = 1000000"
    *_, refused = environment.run(f"-- may fail\n{large}", CAPACITY.removesuffix("FORMAT TSV"))
    found = parse(refused)
    assert found.refusals > 0
    assert 0 <= found.refused_seconds_ago < 60
    assert memory(found).status == "failed"


def test_metrics_of_the_dashboards_exist(environment: Engine) -> None:
    """Each event and current metric that the dashboards ask ClickHouse for is one of the engine's.

    Cannot prove: asynchronous metrics, of which the engine has none, the names of the image's
    release, and that its endpoint answers.
    """
    names = environment.run(
        "SELECT 'ClickHouseProfileEvents_' || event FROM system.events"
        " SETTINGS system_events_show_zero_values = 1",
        "SELECT 'ClickHouseMetrics_' || metric FROM system.metrics",
    )
    there = {name for answer in names for name in answer.split()}
    known = (ROOT / "tests" / "data" / "metric_names.txt").read_text(encoding="utf-8").split()
    asked = {name for name in known if re.match("ClickHouse(ProfileEvents|Metrics)_", name)}
    assert len(asked) > 10
    assert asked - there == set()


def test_exporter_reads_the_sizes_of_tables(environment: Engine) -> None:
    """The exporter's query finds each table with its bytes on disk and its rows."""
    (query,) = re.findall(r"const QUERY = `(.*?) FORMAT TSV`", SCRIPT.read_text("utf-8"), re.DOTALL)
    *_, answer = environment.run(
        "CREATE TABLE sized (a UInt64) ENGINE = MergeTree ORDER BY a",
        "INSERT INTO sized SELECT number FROM numbers(1000)",
        query,
    )
    sizes = {
        table: (int(size), int(rows)) for table, size, rows in map(str.split, answer.splitlines())
    }
    assert sizes["sized"][0] > 1000
    assert sizes["sized"][1] == 1000
