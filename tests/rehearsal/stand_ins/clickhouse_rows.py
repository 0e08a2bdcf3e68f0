"""ClickHouse's HTTP interface for rows that have an id: SQLite answers."""

import json
import sqlite3
from typing import Final

from .loopback import Loopback, Request, Response

TABLES: Final = ("traces", "observations", "scores", "dataset_run_items_rmt")


class ClickHouseRows(Loopback):
    """Keeps one row for each id, as a ReplacingMergeTree does at last."""

    def __init__(self) -> None:
        """Make empty tables."""
        super().__init__()
        self._database = sqlite3.connect(":memory:", check_same_thread=False)
        for table in TABLES:
            self._database.execute(
                f"CREATE TABLE {table} (project_id, id, is_deleted, PRIMARY KEY (project_id, id))"
            )

    def answer(self, request: Request) -> Response:
        """Insert one row of JSON, or select as JSONCompactEachRow."""
        query = request.body.decode()
        if query.startswith("INSERT INTO"):
            into, _, row = query.partition(" FORMAT JSONEachRow ")
            table = into.removeprefix("INSERT INTO ")
            self._database.execute(
                f"INSERT OR REPLACE INTO {table} VALUES (:project_id, :id, :is_deleted)",  # noqa: S608
                json.loads(row),
            )
            return Response()
        rows = self._database.execute(query.removesuffix(" FORMAT JSONCompactEachRow"))
        return Response(body="".join(f"{json.dumps(row)}\n" for row in rows).encode())

    def count(self, table: str) -> int:
        """Return the number of rows."""
        with self.lock:
            (found,) = self._database.execute(f"SELECT count() FROM {table}").fetchone()  # noqa: S608
        return int(found)
