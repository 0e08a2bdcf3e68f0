"""Langfuse's release by Helm itself: each line on either chart, and placement in ten installs."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import versions
from in_cluster.names import NAMESPACE, RELEASE
from tests.helpers.chart_values import Values, chart_values, mib
from tests.helpers.synthesis import SynthesizeStack
from tests.rehearsal.environment import wait_until
from tests.rehearsal.stand_ins.cluster_objects import ZONES
from tests.rehearsal.stand_ins.control_plane import ControlPlane

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

NEXT_CHART = "2.0.0"
INSTALLS = 10
# Limits of the two nodes by the major version of Langfuse, in MiB: ClickHouse and Redis; web and
# worker.
LIMITS = {3: [2560, 3136], 4: [3072, 3072]}

Manifests = dict[tuple[str, str], dict[str, Any]]


@pytest.fixture(scope="module", params=LIMITS, ids="langfuse {}".format)
def major(request: pytest.FixtureRequest) -> int:
    """Return a major version of Langfuse."""
    return int(request.param)


@pytest.fixture(scope="module")
def values_file(
    major: int, synthesize_stack: SynthesizeStack, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return the chart values of the app stack, with the values that Terraform fills in."""
    values = chart_values(synthesize_stack("app", LANGFUSE_MAJOR=str(major)))
    return write_values(values, tmp_path_factory.mktemp("values"))


def write_values(values: Values, folder: Path) -> Path:
    manifests = values["extraManifests"]
    secret = {**manifests["secret"], "kind": "Secret"}
    text = yaml.safe_dump({**values, "extraManifests": {**manifests, "secret": secret}})
    file = folder / "values.yaml"
    file.write_text(text.replace("${local.network_data_zone}", ZONES[0]), encoding="utf-8")
    return file


def helm(*arguments: str) -> str:
    if shutil.which("helm") is None:
        pytest.skip("helm is not on PATH")
    result = subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr[-3000:]
    return result.stdout


def chart(mirror: Path, version: str) -> str:
    file = mirror / "charts" / f"langfuse-{version}.tgz"
    if not file.is_file():
        pytest.skip(f"no {file.name} in {mirror / 'charts'}")
    return str(file)


def rendered(mirror: Path, version: str, values_file: Path) -> Manifests:
    options = ("--namespace", NAMESPACE, "--kube-version", versions.KUBERNETES)
    text = helm("template", RELEASE, chart(mirror, version), "-f", str(values_file), *options)
    found = [each for each in yaml.safe_load_all(text) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in found}


def test_either_chart_renders_the_same(mirror: Path, values_file: Path) -> None:
    """The values render on chart 2.0.0 too: same stores, selectors and environment of Langfuse."""
    ours = rendered(mirror, versions.LANGFUSE_CHART, values_file)
    others = rendered(mirror, NEXT_CHART, values_file)
    assert set(ours) <= set(others)
    same = {"StatefulSet", "ConfigMap", "PersistentVolumeClaim", "StorageClass"}
    assert {key: others[key] for key in ours if key[0] in same} == {
        key: each for key, each in ours.items() if key[0] in same
    }
    for name in ("langfuse-web", "langfuse-worker"):
        spec, other = (each["Deployment", name]["spec"] for each in (ours, others))
        assert spec["selector"] == other["selector"]
        environment, another = (
            {variable["name"]: variable for variable in pod["containers"][0]["env"]}
            for pod in (spec["template"]["spec"], other["template"]["spec"])
        )
        assert environment == another
        assert environment["CLICKHOUSE_CLUSTER_ENABLED"]["value"] == "false"


def test_ten_installs_place_pods_alike(
    plane: ControlPlane, mirror: Path, values_file: Path, major: int
) -> None:
    """In ten installs in a row, web and worker are on one node, ClickHouse and Redis on the other.

    Each uninstall leaves no claim, volume or pod.

    Cannot prove: how much memory the programs use.
    """
    access = (f"--kubeconfig={plane.kubeconfig}", f"--namespace={NAMESPACE}")
    for _ in range(INSTALLS):
        helm(
            *("install", RELEASE, chart(mirror, versions.LANGFUSE_CHART), "-f", str(values_file)),
            *(*access, "--create-namespace", "--wait", "--timeout=5m"),
        )
        pods = json.loads(plane.kubectl("get", "pods", "-n", NAMESPACE, "-o", "json"))["items"]
        nodes: dict[str, set[str]] = {}
        limits: dict[str, int] = {}
        for pod in pods:
            node = pod["spec"]["nodeName"]
            nodes.setdefault(node, set()).add(pod["metadata"]["name"].split("-")[1])
            (container,) = pod["spec"]["containers"]
            limits[node] = limits.get(node, 0) + mib(container["resources"]["limits"]["memory"])
        assert sorted(map(sorted, nodes.values())) == [["clickhouse", "redis"], ["web", "worker"]]
        assert sorted(limits.values()) == LIMITS[major]
        helm("uninstall", RELEASE, *access, "--wait", "--timeout=5m")
        wait_until(lambda: plane.left_in(NAMESPACE) == [])
