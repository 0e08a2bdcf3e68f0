"""ClickHouse's half of the way from Langfuse 3 to 4, and back: one life, in steps.

Our programs on ClickHouse's own engine and an S3 stand-in, with Langfuse's migrations of both
lines. The engine is the same for both, where the releases have 26.3 and 26.8.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from backing_up import clickhouse, database, prune, way_back
from backing_up.account import Account
from backing_up.way_back import WayBack
from retained.names import bucket_name
from tests.rehearsal.stand_ins.aws import ACCOUNT, REGION, Aws
from tests.rehearsal.test_backups import (
    OBSERVATIONS,
    VERSION,
    World,
    bad,
    good,
    last,
    migrate,
    observe,
    start_world,
)
from upgrading.back import go_back

pytestmark = pytest.mark.rehearsal

VERSION_4: Final = "4.53.0"
LAST_OF_3: Final = "0037"
NAME: Final = "langfuse"
TABLES: Final = "SHOW TABLES FROM default"


class Session:
    """In place of boto3's, with clients of the stand-in."""

    def __init__(self, aws: Aws) -> None:
        """Remember the stand-in."""
        self._aws = aws

    def client(self, service: str, **_: object) -> object:
        """Return a client."""
        return self._aws.client(service)


class Life(World):
    """A world whose bucket has the name of an installation, and what it held as Langfuse 3."""

    rows_of_3: str
    tables_of_3: str

    @property
    def account(self) -> Account:
        """The account, as our programs on the user's machine see it."""
        return Account(NAME, REGION, Session(self.aws))


@pytest.fixture(scope="module")
def environment(
    request: pytest.FixtureRequest,
    mirror: Path,  # noqa: ARG001 - says why there is no rehearsal at all
    worker_modules: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Life]:
    """Start a world with a database and its bucket."""
    with start_world(request, worker_modules, tmp_path_factory.mktemp("major"), Life) as life:
        life.begin(bucket_name(NAME, ACCOUNT, REGION))
        life.aws.client("rds").create_db_instance(
            DBInstanceIdentifier=NAME, DBInstanceClass="db.t4g.micro", Engine="postgres"
        )
        with life.deployments:
            yield life


@pytest.fixture(scope="module")
def migrations(mirror: Path) -> Path:
    """Return the folder with Langfuse's migrations of both lines."""
    return mirror / "langfuse-migrations"


def test_way_back_is_made_of_a_running_3(environment: Life, migrations: Path) -> None:
    """With rows in the schema of Langfuse 3, the backups of both halves are made and marked."""
    migrate(environment, migrations / "v3")
    observe(environment, 5000)
    environment.rows_of_3 = environment.clickhouse.query(OBSERVATIONS)
    environment.tables_of_3 = environment.clickhouse.query(TABLES)
    assert environment.rows_of_3.startswith("5000\t")
    good(environment.back_up())
    ((backup, complete),) = environment.backups().items()
    assert complete
    snapshot = database.final_name(environment.account, "way-back-1")
    database.make_snapshot(environment.account, snapshot)
    made = WayBack(backup=backup, snapshot=snapshot, version=VERSION, time=datetime.now(UTC))
    way_back.mark(environment.account, made)


def test_migrations_of_4_pass_over_rows_of_3(environment: Life, migrations: Path) -> None:
    """Migrations 38 to 46 pass where the rows are; those stay, and the tables of 4 are there.

    Cannot prove: the copy of older observations into the new tables, which Langfuse's worker does.
    """
    migrate(environment, migrations / "v4", after=LAST_OF_3)
    assert environment.clickhouse.query(OBSERVATIONS) == environment.rows_of_3
    tables = environment.clickhouse.query(TABLES).split()
    assert {"events_full", "events_core", "events_core_mv"} <= {*tables}
    assert "event_log" not in tables
    assert environment.clickhouse.query("SELECT count() FROM default.events_full") == "0"


def test_migrations_of_4_pass_over_a_restored_3(environment: Life, migrations: Path) -> None:
    """On a new volume under Langfuse 4, the backup of Langfuse 3 is restored, and then migrated."""
    environment.new_volume()
    assert f"of Langfuse {VERSION}\n" in good(environment.start(VERSION_4))
    assert environment.clickhouse.query(TABLES) == environment.tables_of_3
    migrate(environment, migrations / "v4", after=LAST_OF_3)
    assert environment.clickhouse.query(OBSERVATIONS) == environment.rows_of_3
    assert "events_full" in environment.clickhouse.query(TABLES).split()


def test_destroy_of_4_keeps_the_way_back(environment: Life) -> None:
    """Backups of Langfuse 4 say so and are pruned to two, and the way back stays.

    So it does in a prune from the user's machine.
    """
    observe(environment, 10)
    for _ in range(3):
        good(last(environment, LANGFUSE_VERSION=VERSION_4))
    assert environment.data_version() == (f"{VERSION_4}\n", "text/plain")
    found = way_back.find(environment.account)
    assert found
    assert min(environment.backups()) == found.backup
    assert len(environment.backups()) == 3
    assert prune.superfluous(environment.account, 2) == []


def test_restore_of_4_is_refused_under_3(environment: Life) -> None:
    """On a new volume, Langfuse 3 does not start with the newest backup, which is of Langfuse 4."""
    environment.new_volume()
    line = bad(environment.start(VERSION))
    assert f"is of Langfuse {VERSION_4}; {VERSION} is older and would not start" in line
    assert environment.markers() == {}


def test_3_comes_back(environment: Life) -> None:
    """After `upgrade.py --back`, ClickHouse restores the tables and rows of that moment.

    Bytes and tables are the same as before the migrations.
    """
    rds = environment.aws.client("rds")
    rds.delete_db_instance(DBInstanceIdentifier=NAME, FinalDBSnapshotIdentifier=f"final-{NAME}-4")
    go_back(environment.account, print)
    assert environment.data_version() == (f"{VERSION}\n", "text/plain")
    found = way_back.find(environment.account)
    assert found
    copies = [each.name for each in database.snapshots(environment.account)]
    assert [name for name in copies if name.startswith(f"{found.snapshot}-")]
    environment.new_volume()
    assert f"restoring {found.backup} of Langfuse {VERSION}\n" in good(environment.start(VERSION))
    assert environment.clickhouse.query(OBSERVATIONS) == environment.rows_of_3
    assert environment.clickhouse.query(TABLES) == environment.tables_of_3
    assert clickhouse.chosen(environment.account) is None


def test_3_goes_on(environment: Life) -> None:
    """The next backup is the newest, and is restored on another new volume."""
    observe(environment, 10)
    good(environment.back_up())
    environment.new_volume()
    good(environment.start(VERSION))
    assert environment.clickhouse.query("SELECT count() FROM default.observations") == "5010"
