"""Counts what a rebuild has to bring back: rows of both databases, and objects of the bucket."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from in_cluster.names import CLICKHOUSE, CLICKHOUSE_HTTP_PORT, WORKER, SecretKey
from in_cluster.worker_modules import with_loader
from verification.cluster import Cluster
from verification.migrations import ENTRYPOINT

SCRIPT: Final = Path(__file__).with_name("counts.js")
# Those that there are: Langfuse 3 has traces and observations, 4 has events_full.
TABLES: Final = ("traces", "observations", "scores", "events_full")
# In the bucket: what Langfuse writes, and not the backups.
PREFIXES: Final = ("events/", "media/", "exports/")


def count(cluster: Cluster, s3: Any, bucket: Mapping[str, str]) -> dict[str, int]:  # noqa: ANN401
    """Return the numbers, by what they are of.

    Args:
        cluster: the cluster.
        s3: boto3's client.
        bucket: arguments of a call about the bucket.

    Raises:
        CheckError: a store does not answer.

    """
    return {**_postgresql(cluster), **_clickhouse(cluster), **_objects(s3, bucket)}


def _postgresql(cluster: Cluster) -> dict[str, int]:
    command = (ENTRYPOINT, "node", "-e", with_loader(SCRIPT))
    found: dict[str, int] = json.loads(
        cluster.kubectl("exec", f"deployment/{WORKER}", "--", *command)
    )
    return found


def _clickhouse(cluster: Cluster) -> dict[str, int]:
    """Count rows as Langfuse sees them: FINAL leaves out replaced ones, until a merge does."""
    named = ", ".join(f"'{table}'" for table in TABLES)
    there = _query(
        cluster,
        f"SELECT name FROM system.tables WHERE database = 'default' AND name IN ({named})"  # noqa: S608
        " ORDER BY name",
    ).split()
    return {
        table: int(_query(cluster, f"SELECT count() FROM default.{table} FINAL"))  # noqa: S608
        for table in there
    }


def _query(cluster: Cluster, sql: str) -> str:
    password = cluster.password(SecretKey.CLICKHOUSE_PASSWORD)
    headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": password}
    target = f"svc/{CLICKHOUSE}"
    return cluster.http(target, CLICKHOUSE_HTTP_PORT, "/", body=sql, headers=headers).text


def _objects(s3: Any, bucket: Mapping[str, str]) -> dict[str, int]:  # noqa: ANN401
    pages = s3.get_paginator("list_objects_v2")

    def number(prefix: str) -> int:
        return sum(page["KeyCount"] for page in pages.paginate(**bucket, Prefix=prefix))

    return {f"objects of {prefix}": number(prefix) for prefix in PREFIXES}
