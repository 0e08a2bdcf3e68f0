"""To a ClickHouse of the user's own and back, with the data counted: two engines and a bucket.

The engine, chDB, is of ClickHouse 26.7; one is the pod, with a volume, the other the user's server.
"""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from in_cluster.backup_values import SCRIPT, script_texts
from in_cluster.own_clickhouse_values import SCRIPT as QUESTION
from in_cluster.own_clickhouse_values import question
from own_clickhouse import OwnClickhouse
from tests.helpers.checkout import ROOT
from tests.rehearsal.stand_ins.aws import KEY, Aws
from tests.rehearsal.stand_ins.clickhouse import PASSWORD, USER, ClickHouse
from tests.rehearsal.stand_ins.redis import Redis
from tests.rehearsal.test_backups import (
    OBSERVATIONS,
    OTEL,
    ROLE,
    VERSION,
    WEB,
    WORKER,
    World,
    good,
    last,
    migrate,
    observe,
    start_world,
)

pytestmark = pytest.mark.rehearsal

OWN: Final = OwnClickhouse(
    url="https://clickhouse.example.com:8443",
    native_port=9440,
    user=USER,
    database="traces",
    is_cluster=False,
)
BACKUP_PROGRAM: Final = ROOT / "in_cluster" / SCRIPT.name
COUNT: Final = "SELECT count() FROM traces.events"
SUM: Final = "SELECT sum(rows) FROM traces.sums"


class TwoServers(World):
    """The world of backups, and a server of the user's own."""

    def __init__(self, folder: Path, aws: Aws, clickhouse: ClickHouse, redis: Redis) -> None:
        """Begin in an installation with ClickHouse in the cluster."""
        super().__init__(folder, aws, clickhouse, redis)
        server = folder / "own-server"
        server.mkdir()
        self.own = ClickHouse(server, aws.url, ROLE)
        self._own_volume = folder / "own-volume"
        self._own_volume.mkdir()
        programs = folder / "without-backup"
        programs.mkdir()
        for name, text in script_texts(own=True).items():
            (programs / name).write_text(text, encoding="utf-8")
        self.program_without_backup = programs / SCRIPT.name

    @contextmanager
    def serving(self) -> Iterator[ClickHouse]:
        """Yield the user's server, with an empty database."""
        with self.own as own:
            own.open(self._own_volume)
            own.query("CREATE DATABASE IF NOT EXISTS traces")
            yield own

    def ask(self, own: ClickHouse, major: int) -> dict[str, Any]:
        """Return what the script of the worker's pod says of the server."""
        done = subprocess.run(
            [self._node, "-e", QUESTION.read_text(encoding="utf-8"), question(major)],
            env={
                "CLICKHOUSE_URL": own.url,
                "CLICKHOUSE_USER": USER,
                "CLICKHOUSE_PASSWORD": PASSWORD,
                "CLICKHOUSE_DB": OWN.database,
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest,
    mirror: Path,  # noqa: ARG001 - says why there is no rehearsal at all
    worker_modules: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[TwoServers]:
    """Start both engines, the bucket, Redis and Langfuse's deployments."""
    folder = tmp_path_factory.mktemp("own-clickhouse")
    with start_world(request, worker_modules, folder, TwoServers) as world:
        world.begin()
        with world.serving(), world.deployments:
            yield world


def restore_statement(environment: TwoServers, backup: str, database: str) -> str:
    """Return the documented statement, with what its reader puts in."""
    page = (ROOT / "docs" / "own-clickhouse.md").read_text(encoding="utf-8")
    (statement,) = re.findall(
        r"^ +(RESTORE DATABASE default AS langfuse FROM S3\(.+)$", page, re.MULTILINE
    )
    for word, value in {
        "https://BUCKET.s3.us-east-1.amazonaws.com": f"{environment.aws.url}/{environment.bucket}",
        "TIME": backup,
        "KEY": KEY,
        "SECRET": KEY,
        "AS langfuse": f"AS {database}",
    }.items():
        assert word in statement
        statement = statement.replace(word, value, 1)
    return str(statement)


def test_last_backup_goes_to_the_other_server(environment: TwoServers) -> None:
    """The backup that a destroy makes is restored there by the documented statement, row by row.

    Cannot prove: another version of ClickHouse there, real S3, and an access key's rights.
    """
    environment.ingest(1000)
    assert "1007 rows in " in good(last(environment))
    ((backup, complete),) = environment.backups().items()
    assert complete
    # The database is there, as its user has made it.
    environment.own.query(restore_statement(environment, backup, "traces"))
    assert environment.own.query(COUNT) == "1000"
    assert environment.own.query(SUM) == "1000"


def test_server_is_judged_by_the_script(environment: TwoServers) -> None:
    """The init container's script reads version and time zone of the engine, and finds it fit."""
    for major in (3, 4):
        found = environment.ask(environment.own, major)
        assert re.match(r"2\d\.\d+", found["version"])
        assert (found["isUtc"], found["faults"]) == (True, [])
    environment.own.query(
        "CREATE TABLE traces.events_full (id UInt8) ENGINE = MergeTree ORDER BY id"
    )
    (fault,) = environment.ask(environment.own, 3)["faults"]
    assert fault.startswith("has tables of Langfuse 4 in traces")
    assert environment.ask(environment.own, 4)["faults"] == []
    environment.own.query("DROP TABLE traces.events_full SYNC")


def test_destroy_drains_and_backs_nothing_up(environment: TwoServers) -> None:
    """With the user's server, the Job before a destroy waits for the queues and stops the worker.

    It writes the version of the data, and no backup; the one of before stays. Once the server
    does not answer, nothing is stopped.
    """
    environment.own.query("INSERT INTO traces.events SELECT number, 'new' FROM numbers(500)")
    # The restored view sums into the table that is beside it.
    assert environment.own.query(SUM) == "1500"
    before = environment.backups()
    environment.put("langfuse", "old")
    environment.program = environment.program_without_backup
    url = f"{environment.own.url}/?database={OWN.database}"
    for name in (WEB, WORKER):
        environment.deployments.replicas[name] = 1
    environment.redis.lengths = [{OTEL: 2}, {OTEL: 2}, {OTEL: 1}]
    done = last(environment, CLICKHOUSE_URL=url)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert [line for line in said if "the queues are empty" in line]
    assert [line for line in said if f"{WORKER} is stopped" in line] == said[-1:]
    assert environment.backups() == before
    assert environment.data_version() == (f"{VERSION}\n", "text/plain")

    for name in (WEB, WORKER):
        environment.deployments.replicas[name] = 1
    nowhere = {"CLICKHOUSE_URL": "http://127.0.0.1:9/?database=traces"}
    done = last(environment, **nowhere)
    assert done.returncode == 1
    assert "ClickHouse does not answer" in done.stderr
    assert environment.deployments.replicas == {WEB: 1, WORKER: 1}
    environment.program = BACKUP_PROGRAM


def test_back_in_the_cluster_with_the_backup_of_the_switch(environment: TwoServers) -> None:
    """A new volume in the cluster has the rows of before the switch; the server keeps its own."""
    ((backup, _),) = environment.backups().items()
    environment.new_volume()
    assert f"restoring {backup} of Langfuse {VERSION}\n" in good(environment.start())
    assert environment.rows() == 1000
    assert environment.sums()
    assert environment.own.query(COUNT) == "1500"


def test_schema_of_langfuse_goes_there(environment: TwoServers, mirror: Path) -> None:
    """Langfuse's own tables arrive under another database's name, the same to the last byte.

    No definition there names the database of before, and its views have what they had.

    Cannot prove: that golang-migrate finds nothing to do; `test_backups` restores its table.
    """
    folder = mirror / "langfuse-migrations"
    environment.begin()
    migrate(environment, folder / "v3")
    observe(environment, 5000)
    before = environment.clickhouse.query(OBSERVATIONS)
    assert before.startswith("5000\t")
    good(environment.back_up())
    ((backup, _),) = environment.backups().items()
    own = environment.own
    own.query(restore_statement(environment, backup, "langfuse"))
    assert own.query(OBSERVATIONS.replace("default.", "langfuse.")) == before
    tables = environment.clickhouse.query("SHOW TABLES FROM default")
    assert own.query("SHOW TABLES FROM langfuse") == tables
    definitions = "SELECT create_table_query FROM system.tables WHERE database = 'langfuse'"
    assert "default." not in own.query(definitions)
    hours = "SELECT count() FROM {}.analytics_observations"
    assert own.query(hours.format("langfuse")) == environment.clickhouse.query(
        hours.format("default")
    )
    assert own.query(hours.format("langfuse")) != "0"
