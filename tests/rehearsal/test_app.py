"""App on a control plane: readiness, placement, memory, a killed deploy and a lost node."""

import base64
import json
import os
import re
from typing import Any

import pytest

from in_cluster.names import NAMESPACE, SECRET
from tests.helpers.chart_values import mib
from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import PASSWORD, Environment, wait_until
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from verification.checks import CHECKS
from verification.cluster import Cluster

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

FORWARDED = r"kubectl port-forward svc/(\S+) -n langfuse (\d+):(\d+)"
PENDING_RECORD = ("-n", NAMESPACE, "-l", "owner=helm,status=pending-install")


def items(plane: ControlPlane, *what: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        plane.kubectl("get", *what, "-n", NAMESPACE, "-o", "json")
    )["items"]
    return found


def ready_pods(plane: ControlPlane) -> dict[str, str]:
    """Return the node of each pod that is ready, by the pod's role."""
    return {
        pod["metadata"]["name"].split("-")[1]: pod["spec"]["nodeName"]
        for pod in items(plane, "pods")
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "Ready" and condition["status"] == "True"
    }


def wait_for_all_pods(plane: ControlPlane) -> dict[str, str]:
    wait_until(lambda: len(ready_pods(plane)) == 4)
    return ready_pods(plane)


def assert_placement(nodes: dict[str, str]) -> None:
    assert sorted(nodes) == ["clickhouse", "redis", "web", "worker"]
    assert nodes["web"] == nodes["worker"] != nodes["clickhouse"] == nodes["redis"]


def test_deploy_of_app_is_killed(environment: Environment, plane: ControlPlane) -> None:
    """Killed (SIGKILL) while Helm installs: with Helm's pending record deleted, deploy succeeds."""
    environment.stand_in_for_network()
    environment.stand_in_for_deps()
    environment.kill("deploy", "app", once=lambda: bool(pending(plane)))
    environment.unlock("app")
    said = environment.installation.apply("app", status=1)
    assert "another operation (install/upgrade/rollback) is in progress" in said
    plane.kubectl("delete", "secret", *PENDING_RECORD)
    environment.installation.apply("app")
    environment.installation.assert_nothing_to_do("app")


def pending(plane: ControlPlane) -> str:
    return plane.kubectl("get", "secret", *PENDING_RECORD, "-o", "name")


def test_fr10_pods_are_ready_and_placed(plane: ControlPlane) -> None:
    """All four pods are ready, web and worker on one node, ClickHouse and Redis on the other.

    Cannot prove: that images can be pulled, migrations run, and volumes attach.
    """
    assert_placement(wait_for_all_pods(plane))


def test_memory_limits_fit_the_nodes(plane: ControlPlane) -> None:
    """Memory limits fill 78 % and 95 % of the nodes' allocatable memory, as the design states.

    Cannot prove: how much memory the programs use.
    """
    limits: dict[str, int] = {}
    for pod in items(plane, "pods"):
        for container in pod["spec"]["containers"]:
            node = pod["spec"]["nodeName"]
            limits[node] = limits.get(node, 0) + mib(container["resources"]["limits"]["memory"])
    shares = []
    for node, limit in limits.items():
        found = json.loads(plane.kubectl("get", "node", node, "-o", "json"))
        shares.append(100 * limit // mib(found["status"]["allocatable"]["memory"]))
    assert sorted(shares) == [78, 95]


def test_verify_finds_nodes_and_pods_ready(plane: ControlPlane) -> None:
    """`verify.py` finds nodes and pods ready, by the names that it expects.

    Cannot prove: its other checks, since nothing runs in a simulated pod.
    """
    cluster = Cluster(plane.kubeconfig, os.environ)
    found = [check.line(cluster) for check in CHECKS if check.part in {"nodes", "pods"}]
    assert found == [(True, "nodes        ok   2 Ready"), (True, "pods         ok   4 ready")]


def test_fr19_fr20_fr21_every_service_of_the_readme_leads_to_a_port(plane: ControlPlane) -> None:
    """Each `kubectl port-forward` of the README names a Service with a ready endpoint."""
    forwards = set(re.findall(FORWARDED, (ROOT / "README.md").read_text(encoding="utf-8")))
    assert len(forwards) == 3
    for service, _, port in forwards:
        spec = json.loads(plane.kubectl("get", "service", service, "-n", NAMESPACE, "-o", "json"))
        names = [each.get("name") for each in spec["spec"]["ports"] if each["port"] == int(port)]
        slices = items(plane, "endpointslices", "-l", f"kubernetes.io/service-name={service}")
        leading = [
            each["addresses"]
            for found in slices
            if any(target.get("name") in names and target["port"] for target in found["ports"])
            for each in found["endpoints"]
            if each["conditions"]["ready"]
        ]
        assert leading, service


def test_nfr01_password_arrives_and_is_not_in_state(
    environment: Environment, plane: ControlPlane
) -> None:
    """A password with characters that Helm's --set parses is in the Secret, not in the state."""
    secret = json.loads(
        plane.kubectl("get", "secret", "langfuse-secrets", "-n", NAMESPACE, "-o=json")
    )
    assert base64.b64decode(secret["data"]["admin-password"]).decode() == PASSWORD
    assert PASSWORD not in json.dumps(environment.cloud.state("langfuse-app"))


def test_stores_of_0_1_0_are_refused_and_replaced(
    environment: Environment, plane: ControlPlane
) -> None:
    """A deployment of 0.1.0 is refused before anything changes; a destroy and a deploy move it.

    Cannot prove: that a replay brings back its traces.
    """
    before = sorted(pod["metadata"]["uid"] for pod in items(plane, "pods"))
    # What 0.1.0 did not publish.
    environment.cloud.hide_output("langfuse-app", "stores")
    said = environment.installation.apply("app", status=1)
    assert "Run cdktf destroy app, then cdktf deploy app" in " ".join(said.split())
    assert sorted(pod["metadata"]["uid"] for pod in items(plane, "pods")) == before
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])
    environment.cloud.hide_output("langfuse-app", "stores", hidden=False)
    environment.installation.apply("app")
    assert_placement(wait_for_all_pods(plane))


def test_node_is_lost(plane: ControlPlane) -> None:
    """When a lost node returns, its pods are ready on it again, with their volumes.

    Cannot prove: how long AWS takes to replace a node.
    """
    before = wait_for_all_pods(plane)
    volumes = sorted(claim["spec"]["volumeName"] for claim in items(plane, "pvc"))
    plane.remove_node(before["clickhouse"])
    plane.restore_node(before["clickhouse"])
    after = wait_for_all_pods(plane)
    assert_placement(after)
    assert after["clickhouse"] == before["clickhouse"]
    assert sorted(claim["spec"]["volumeName"] for claim in items(plane, "pvc")) == volumes


def test_destroy_of_app_is_killed(environment: Environment, plane: ControlPlane) -> None:
    """Killed (SIGKILL) during destroy, the release can be destroyed again, but not deployed."""
    record = ("-n", NAMESPACE, "-l", "owner=helm,status=uninstalling", "-o", "name")
    # A finalizer holds the release in this state: it lasts for an instant otherwise.
    finalizers(plane, "rehearsal/hold")
    environment.kill("destroy", "app", once=lambda: bool(plane.kubectl("get", "secret", *record)))
    finalizers(plane)
    environment.unlock("app")
    assert "has no deployed releases" in environment.installation.apply("app", status=1)


def test_destroy_leaves_nothing_in_the_cluster(
    environment: Environment, plane: ControlPlane
) -> None:
    """After destroy no claim, volume or pod of Langfuse is left."""
    environment.installation.destroy("app")
    wait_until(lambda: plane.left_in(NAMESPACE) == [])


def finalizers(plane: ControlPlane, *names: str) -> None:
    """Give the release's Secret these finalizers, and no others."""
    patch = json.dumps({"metadata": {"finalizers": [*names]}})
    plane.kubectl("patch", "secret", SECRET, "-n", NAMESPACE, "--type=merge", "-p", patch)
