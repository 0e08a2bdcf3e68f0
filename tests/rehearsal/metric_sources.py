"""Where numbers of alarms come from: the CronJob's own program, and a step itself."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from in_cluster.names import METRICS, ROLE_ANNOTATION
from in_cluster.worker_job import FOLDER
from tests.helpers.node import NODE
from tests.rehearsal.environment import Environment
from tests.rehearsal.stand_ins.clickhouse import PASSWORD, ClickHouse
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import items


class Pod:
    """A pod of the CronJob: its own files, arguments and variables, but for where things are."""

    def __init__(self, folder: Path, environment: Environment, clickhouse: ClickHouse) -> None:
        """Lay the programs as the ConfigMap has them."""
        self._folder = folder
        self._environment = environment
        self.clickhouse = clickhouse
        self.volumes = 0

    def run(self, plane: ControlPlane, **more: str) -> "subprocess.CompletedProcess[str]":
        """Run it to its end, and measure its memory."""
        (cron,) = items(plane, "cronjobs", f"--field-selector=metadata.name={METRICS}")
        spec = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        (files,) = items(plane, "configmaps", f"--field-selector=metadata.name={METRICS}")
        for name, text in files["data"].items():
            (self._folder / name).write_text(text, encoding="utf-8")
        # Not what getrusage has, which counts from before exec.
        watch = self._folder / "watch.js"
        watch.write_text(
            "const fs = require('node:fs');\n"
            "const status = () => fs.readFileSync('/proc/self/status');\n"
            "process.on('exit', () => fs.writeFileSync('status', status()));\n",
            encoding="utf-8",
        )
        program, *arguments = container["command"]
        assert program == "node"
        url = self._environment.aws.url
        given = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        return subprocess.run(
            [
                NODE,
                "--require",
                str(watch),
                *(each.replace(FOLDER, str(self._folder)) for each in arguments),
            ],
            cwd=self._folder,
            env={
                "PATH": os.environ["PATH"],
                **self.clickhouse.identity,
                **given,
                "CLICKHOUSE_URL": self.clickhouse.url,
                "CLICKHOUSE_PASSWORD": PASSWORD,
                "AWS_ENDPOINT_URL_CLOUDWATCH": url,
                "AWS_ENDPOINT_URL_STS": url,
                **more,
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    @property
    def most_memory_kib(self) -> int:
        """The most memory that it had."""
        (kib,) = re.findall(r"VmHWM:\s*(\d+) kB", (self._folder / "status").read_text("utf-8"))
        return int(kib)

    def open_volume(self, directory: Path | None = None) -> Path:
        """Have ClickHouse serve a new volume."""
        self.volumes += 1
        volume = directory or self._folder / f"volume-{self.volumes}"
        volume.mkdir(exist_ok=True)
        self.clickhouse.open(volume)
        # Of the server, which chDB has none of.
        columns = "(metric String, value Float64)"
        self.clickhouse.query(f"CREATE TABLE system.asynchronous_metrics {columns} ENGINE = Memory")
        self.use_memory(60)
        return volume

    def use_memory(self, percent: float | None) -> None:
        """Have the node's memory be used by so much; with None, ClickHouse has no rows of it."""
        self.clickhouse.query("TRUNCATE TABLE system.asynchronous_metrics")
        if percent is not None:
            rows = f"('OSMemoryTotal', 4e9), ('OSMemoryAvailable', {4e7 * (100 - percent)})"
            self.clickhouse.query(f"INSERT INTO system.asynchronous_metrics VALUES {rows}")  # noqa: S608


def role_arn(environment: Environment) -> str:
    """Return the role that the service account in the cluster has."""
    plane = environment.control_plane
    assert plane is not None
    (account,) = items(plane, "serviceaccounts", f"--field-selector=metadata.name={METRICS}")
    arn: str = account["metadata"]["annotations"][ROLE_ANNOTATION]
    return arn


def put(environment: Environment, alarm: dict[str, Any], value: float, at: datetime) -> None:
    """Put a number where the alarm looks, as whoever puts its metric does."""
    environment.aws.client("cloudwatch").put_metric_data(
        Namespace=alarm["Namespace"],
        MetricData=[
            {
                "MetricName": alarm["MetricName"],
                "Dimensions": alarm["Dimensions"],
                "Timestamp": at,
                "Value": value,
            }
        ],
    )


def put_for(environment: Environment, alarm: dict[str, Any], value: float, until: datetime) -> None:
    """Put a number for each period of the alarm, as of ``until``."""
    for index in range(alarm["EvaluationPeriods"]):
        at = until - timedelta(seconds=alarm["Period"] * index + alarm["Period"] / 2)
        put(environment, alarm, value, at)


def beyond(alarm: dict[str, Any], *, by: float) -> float:
    """Return a number beyond the threshold; short of it with a negative ``by``."""
    sign = 1 if alarm["ComparisonOperator"] == "GreaterThanThreshold" else -1
    threshold = float(alarm["Threshold"])
    return max(threshold + sign * by * max(threshold, 1), 0)


@contextmanager
def small_volume(folder: Path) -> Iterator[Path]:
    """Yield a file system of 64 MiB."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder], check=True)
    try:
        yield folder
    finally:
        # ClickHouse may still write to it.
        subprocess.run(["umount", "--lazy", folder], check=True)


def soon() -> datetime:
    """Return the begin of the next second: moto compares whole ones."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
