"""MonitoringRelease: what is made after Langfuse and destroyed before it."""

import re

import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_helm.release import Release

from constructs_lib.monitoring_release import MonitoringRelease
from tests.helpers.bare_stack import BareStack
from tests.helpers.chart_values import chart_values
from tests.helpers.stack import Stack

VALUES = {"manifests": {"a": {"kind": "A"}}}


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> MonitoringRelease:
        langfuse = Release(stack, "langfuse", name="langfuse", chart="langfuse")
        return MonitoringRelease(stack, "monitoring", values=VALUES, after=langfuse)

    return bare_stack(make)


def test_storage_class_and_secret_are_there_first(stack: Stack) -> None:
    release = stack.resource("helm_release", "langfuse-monitoring")
    assert release["depends_on"] == ["helm_release.langfuse"]


def test_chart_is_a_copy_in_the_folder_of_the_stack(stack: Stack) -> None:
    release = stack.resource("helm_release", "langfuse-monitoring")
    assert {"repository", "version"}.isdisjoint(release)
    assert re.fullmatch(r"assets/monitoring_chart_\w+/[0-9A-F]{32}", release["chart"])


def test_values_are_the_manifests(stack: Stack) -> None:
    assert chart_values(stack, "langfuse-monitoring") == VALUES
