"""Runs queries by ClickHouse's own engine, chDB, as a program: its log and its memory are large.

Arguments: a configuration file, a directory for the data, and a file with a JSON list of queries,
which it replaces by the list of answers. The exit status is not 0 if a query fails, unless it
begins with ``MAY_FAIL``.
"""

import importlib
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

MAY_FAIL: Final = "-- may fail\n"


def main() -> None:
    """Run the queries of the file."""
    configuration, data, file = sys.argv[1:]
    chdb = importlib.import_module("chdb")
    connection = chdb.connect(f"{data}?config-file={configuration}")
    queries = json.loads(Path(file).read_text(encoding="utf-8"))
    answers = []
    for query in queries:
        # The engine has no error of its own: it raises RuntimeError.
        with suppress(*([RuntimeError] if query.startswith(MAY_FAIL) else [])):
            answers.append(str(connection.query(query, "TSV")))
    connection.close()
    Path(file).write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
