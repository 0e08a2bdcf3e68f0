"""What the e2e counts, in front of stand-ins of the stores."""

import json
import re
import subprocess
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from in_cluster.worker_modules import with_loader
from tests.e2e.counts import SCRIPT, count
from tests.e2e.life import COUNTS
from tests.helpers.kubectl import Kubectl
from tests.helpers.node import NODE
from tests.helpers.serving import serving
from tests.helpers.worker_image import write_module
from verification.cluster import Cluster

# Prisma's client, as far as the script needs it: the models of Langfuse's schema.prisma.
PRISMA = """
const model = (rows) => ({ async count() {
  if (process.env.FAILS) throw new Error("\\nInvalid invocation:\\n\\nCan't reach database");
  return rows;
} });
exports.PrismaClient = class {
  organization = model(1); project = model(2); user = model(3); apiKey = model(4);
  dataset = model(5); datasetItem = model(6);
  async $disconnect() { process.stderr.write("disconnected"); }
};
"""
ROWS = {
    "organizations": 1,
    "projects": 2,
    "users": 3,
    "api keys": 4,
    "datasets": 5,
    "dataset items": 6,
}


def run_script(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    write_module(folder, "@prisma/client", PRISMA)
    return subprocess.run(  # noqa: S603 - node
        [NODE, "-e", with_loader(SCRIPT)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_rows_of_postgresql_are_counted(tmp_path: Path) -> None:
    done = run_script(tmp_path)
    assert (json.loads(done.stdout), done.stderr) == (ROWS, "disconnected")


def test_reason_is_a_line(tmp_path: Path) -> None:
    done = run_script(tmp_path, FAILS="yes")
    assert (done.returncode, done.stderr) == (1, "Error: Can't reach database\n")


TABLES = {"traces": 1, "observations": 4, "scores": 1}


def counted(sql: str) -> str | None:
    """Return what ClickHouse answers, with the tables of Langfuse 3; None to other queries."""
    if found := re.fullmatch(r"SELECT count\(\) FROM default\.(\w+) FINAL", sql):
        return str(TABLES[found[1]])
    return "\n".join(TABLES) if sql.startswith("SELECT name FROM system.tables") else None


class ClickHouse(BaseHTTPRequestHandler):
    """ClickHouse, behind a password."""

    def do_POST(self) -> None:
        assert self.headers["X-ClickHouse-Key"] == "p"
        answer = counted(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert answer
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


class S3:
    """A bucket with two pages of events, and an export."""

    def get_paginator(self, _: str) -> "S3":
        return self

    def paginate(self, **given: str) -> list[dict[str, Any]]:
        assert given["Bucket"] == "b"
        pages = {"events/": (1000, 5), "media/": (0,), "exports/": (1,)}
        return [{"KeyCount": each} for each in pages[given["Prefix"]]]


def test_all_stores_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    kubectl = Kubectl(tmp_path)
    kubectl.answer("*get?secret*", {"data": {"clickhouse-password": "cA=="}})
    kubectl.answer("*exec?deployment/langfuse-worker?--?./worker/entrypoint.sh?node*", ROWS)
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), ClickHouse)) as server:
        kubectl.forward("svc/langfuse-clickhouse", server.server_address[1])
        cluster = Cluster(tmp_path / "kubeconfig", {"PATH": f"{tmp_path}:/usr/bin:/bin"})
        counts = count(cluster, S3(), {"Bucket": "b"})
    objects = {"objects of events/": 1005, "objects of media/": 0, "objects of exports/": 1}
    assert counts == {**ROWS, **TABLES, **objects}
    # What Life wants to be there is among it.
    assert {*COUNTS} <= {*counts}
