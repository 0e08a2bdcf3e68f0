"""MetricsRelease: the release that puts numbers of ClickHouse into CloudWatch."""

from cdktf import TerraformStack
from cdktf_cdktf_provider_helm.release import Release

from constructs_lib.metrics_release import MetricsRelease
from tests.helpers.bare_stack import BareStack
from tests.helpers.chart_values import chart_values

VALUES = {"manifests": {"a": {"kind": "A"}}}


def test_it_is_installed_after_langfuse(bare_stack: BareStack) -> None:
    def make(stack: TerraformStack) -> MetricsRelease:
        langfuse = Release(stack, "langfuse", name="langfuse", chart="langfuse")
        return MetricsRelease(stack, "metrics", values=VALUES, timeout=60, after=[langfuse])

    stack = bare_stack(make)
    release = stack.resource("helm_release", "langfuse-metrics")
    assert release["depends_on"] == ["helm_release.langfuse"]
    assert release["timeout"] == 60
    assert chart_values(stack, "langfuse-metrics") == VALUES
    assert stack.outputs["address"]["value"] == "helm_release.langfuse-metrics"
