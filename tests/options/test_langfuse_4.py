"""Option: Langfuse 4."""

import json
import subprocess
import xml.etree.ElementTree as ET
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.parse import unquote_plus

import pytest

import images
import own_images
import sizing
import versions
from env_file import SettingsError, load_settings
from tests.helpers.chart_values import ALLOCATABLE, Values, chart_values, container, environment
from tests.helpers.node import NODE
from tests.helpers.serving import serving
from tests.helpers.synthesis import BASE_ENV, SynthesizeStack

FREE = ALLOCATABLE - sizing.SYSTEM_PER_NODE_MIB
LINE = sizing.LINES[4]


@pytest.fixture(scope="module")
def values(synthesize_stack: SynthesizeStack) -> Values:
    return chart_values(synthesize_stack("app", LANGFUSE_MAJOR="4"))


def test_every_image_is_of_its_line(values: Values, synthesize_stack: SynthesizeStack) -> None:
    line = versions.LANGFUSE_LINES[4]
    assert (line.langfuse, line.clickhouse) == ("4.53.0", "26.8.19.9")
    assert values["langfuse"]["image"]["tag"] == line.langfuse
    image = f"clickhouse/clickhouse-server:{line.clickhouse}"
    assert container(values, "clickhouse")["image"] == image
    stack = synthesize_stack("app", LANGFUSE_MAJOR="4")
    assert f"langfuse/langfuse-worker:{line.langfuse}" in stack.text
    of_3 = versions.LANGFUSE_LINES[3]
    releases = json.dumps([values, chart_values(stack, "langfuse-backup")])
    assert [tag for tag in (of_3.langfuse, of_3.clickhouse) if tag in releases] == []


def test_only_the_new_tables_are_written(values: Values) -> None:
    for pod in ("web", "worker"):
        assert environment(values, pod)["LANGFUSE_MIGRATION_V4_WRITE_MODE"] == "events_only"


def test_sizes(values: Values) -> None:
    limits = {
        name: container(values, name)["resources"]["limits"]["memory"] for name in ("clickhouse",)
    } | {
        name: values["langfuse"][name]["resources"]["limits"]["memory"]
        for name in ("web", "worker")
    }
    assert limits == {"web": "2048Mi", "worker": "1024Mi", "clickhouse": "2560Mi"}


def test_clickhouse_stays_within_its_container(values: Values) -> None:
    manifest = values["extraManifests"]["clickhouseConfiguration"]
    server = ET.fromstring(manifest["data"]["clickhouse_server.xml"])  # noqa: S314 - our own
    assert int(server.findtext("max_server_memory_usage", "0")) == 1920 * 2**20 == 2013265920
    assert LINE.clickhouse.peak_mib == LINE.clickhouse.memory_limit_mib * 3 // 4 == 1920


def test_limits_fit_two_nodes() -> None:
    """With a public hostname, limits are at 107 % of ClickHouse's node, and its peaks fit."""
    web = LINE.web.memory_limit_mib + LINE.worker.memory_limit_mib
    data = LINE.clickhouse.memory_limit_mib + sizing.REDIS.memory_limit_mib
    public = data + sum(size.memory_limit_mib for size in sizing.PUBLIC_NAME.values())
    assert (web, data, public, FREE) == (3072, 3072, 3392, 3156)
    pods = (LINE.clickhouse, sizing.REDIS, *sizing.PUBLIC_NAME.values())
    peaks = sum(size.peak_mib or size.memory_limit_mib for size in pods)
    assert peaks + sizing.SYSTEM_PER_CLUSTER_MIB // 2 == 2998
    on_arm = (sizing.allocatable_mib("t4g.medium") or 0) - sizing.SYSTEM_PER_NODE_MIB
    assert web <= on_arm == 3092


def test_heap_leaves_room_in_the_container() -> None:
    for size in (LINE.web, LINE.worker):
        assert size.heap_mib
        assert size.heap_mib <= size.memory_limit_mib * 3 // 4


def test_small_nodes_are_refused_with_the_arithmetic(tmp_path: Path) -> None:
    """Three t3.small hold Langfuse 3 with neither; a single t3.medium holds neither line."""
    assert sizing.shortage(1, "t3.large", sizing.core(4)) is None
    said = sizing.shortage(4, "t3.small", sizing.core(4))
    assert said == (
        "ClickHouse requests 1920 MiB, but one t3.small holds 1518 MiB "
        "(1638 allocatable - 120 system)"
    )
    env = tmp_path / ".env"
    lines = BASE_ENV.read_text(encoding="utf-8")
    env.write_text(
        f"{lines}\nLANGFUSE_MAJOR=4\nNODE_COUNT=4\nNODE_INSTANCE_TYPE=t3.small\n", encoding="utf-8"
    )
    with pytest.raises(SettingsError, match="NODE_COUNT, NODE_INSTANCE_TYPE: ClickHouse requests"):
        load_settings(env)


def test_lines_have_images_and_sizes() -> None:
    assert {*versions.LANGFUSE_LINES} == {*images.LINES} == {*sizing.LINES} == {3, 4}


@pytest.mark.parametrize(
    ("major", "values", "fault"),
    [
        (4, {"langfuse": {"image": {"tag": "3.225.11"}}}, "langfuse.image.tag is 3.225.11"),
        (4, {"langfuse": {"web": {"image": {"tag": 3}}}}, "langfuse.web.image.tag is 3,"),
        (3, {"langfuse": {"worker": {"image": {"tag": "v4.0.0@sha256:0"}}}}, "of Langfuse 4"),
        (4, {"clickhouse": {"image": {"tag": "25.8"}}}, "needs 25.12 or later"),
        (4, {"extraManifests": [{"image": "clickhouse/clickhouse-server:25.11.9"}]}, "25.11.9"),
        (4, {"clickhouse": {"image": {"tag": "25.12.1"}}}, None),
        (3, {"clickhouse": {"image": {"tag": "25.8"}}}, None),
        (4, {"langfuse": {"image": {"tag": "latest"}}}, None),
        (4, {"langfuse": {"image": {"tag": "4"}, "web": None}}, None),
        (4, {"langfuse": None, "clickhouse": ["25.8"]}, None),
    ],
)
def test_images_of_another_line(major: int, values: Values, fault: str | None) -> None:
    found = own_images.of_another_line(values, major)
    assert (fault in found) if fault and found else found is fault


class ClickHouse(BaseHTTPRequestHandler):
    """Answers with what web's migrations have made so far."""

    answers: ClassVar[list[tuple[int, str]]] = []
    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        status, text = self.answers.pop(0)
        self.asked.append(f"{self.headers['X-ClickHouse-Key']} {unquote_plus(self.path)}")
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as inherited
        pass


def wait_for_tables(values: Values, component: str, url: str) -> str:
    (container,) = values["langfuse"]["extraInitContainers"]
    program, *options = container["command"]
    assert program == "node"
    options[-1] = options[-1].replace("$${", "${")
    environment = {"COMPONENT": component, "CLICKHOUSE_URL": url, "CLICKHOUSE_PASSWORD": "secret"}
    done = subprocess.run(  # noqa: S603 - our own script
        [NODE, *options],
        env={**environment, "POLL_MS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout + done.stderr


def test_worker_waits_until_web_has_migrated(values: Values) -> None:
    """Through faults of a ClickHouse that starts; web itself does not wait."""
    ClickHouse.answers = [(503, "starting"), (200, "0\n"), (200, "1\n"), (200, "2\n"), (200, "2\n")]
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), ClickHouse)) as server:
        url = f"http://127.0.0.1:{server.server_address[1]}"
        said = wait_for_tables(values, "worker", url)
        assert wait_for_tables(values, "web", "http://127.0.0.1:9") == ""
    assert said == "waiting: ClickHouse answers 503\nwaiting: web has not made the tables yet\n"
    assert len(ClickHouse.answers) == 1
    assert all(
        each.startswith("secret /?query=") and "events_core" in each for each in ClickHouse.asked
    )


def test_nobody_waits_with_langfuse_3(synthesize_stack: SynthesizeStack) -> None:
    assert "extraInitContainers" not in chart_values(synthesize_stack("app"))["langfuse"]
