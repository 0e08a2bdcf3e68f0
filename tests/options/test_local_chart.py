"""LANGFUSE_CHART as a path: the chart comes from this machine."""

from tests.helpers.checkout import ROOT
from tests.helpers.synthesis import WithOptions


def test_path_is_absolute_in_the_release(with_options: WithOptions) -> None:
    """Terraform runs in another folder."""
    release = with_options("local_chart")["app"].resource("helm_release", "langfuse")
    assert release["chart"] == str(ROOT / "tests" / "data" / "chart")
    assert {"repository", "version"}.isdisjoint(release)
