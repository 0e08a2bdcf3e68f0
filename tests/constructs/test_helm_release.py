"""HelmRelease: what every release here has."""

from constructs_lib.helm_release import HelmRelease
from in_cluster.helm_chart import Chart
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


def release(bare_stack: BareStack, source: str) -> Stack:
    return bare_stack(
        lambda stack: HelmRelease(
            stack,
            "release",
            name="web",
            namespace="langfuse",
            chart=Chart.at(source, name="nginx", version="1.2.3"),
            values="a: 1\n",
            timeout=600,
        )
    )


def test_fr10_release_waits_for_its_pods(bare_stack: BareStack) -> None:
    found = release(bare_stack, "https://charts.example.com").resource("helm_release", "web")
    assert (found["name"], found["namespace"]) == ("web", "langfuse")
    assert (found["wait"], found["timeout"]) == (True, 600)
    assert found["values"] == ["a: 1\n"]


def test_fr10_a_cut_off_deploy_can_be_run_again(bare_stack: BareStack) -> None:
    found = release(bare_stack, "https://charts.example.com").resource("helm_release", "web")
    assert found["upgrade_install"] is True
    assert found["max_history"] == 5


def test_nfr10_chart_has_an_exact_version(bare_stack: BareStack) -> None:
    found = release(bare_stack, "https://charts.example.com").resource("helm_release", "web")
    assert found["repository"] == "https://charts.example.com"
    assert (found["chart"], found["version"]) == ("nginx", "1.2.3")


def test_fr10_chart_from_a_folder(bare_stack: BareStack) -> None:
    """A local chart has a version of its own."""
    found = release(bare_stack, "/charts/nginx").resource("helm_release", "web")
    assert found["chart"] == "/charts/nginx"
    assert {"repository", "version"}.isdisjoint(found)
