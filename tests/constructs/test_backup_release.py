"""BackupRelease: the release that a destroy deletes first."""

import re

import pytest
from cdktf import TerraformStack
from cdktf_cdktf_provider_helm.release import Release

from constructs_lib.backup_release import BackupRelease
from tests.helpers.bare_stack import BareStack
from tests.helpers.chart_values import chart_values
from tests.helpers.stack import Stack

VALUES = {"manifests": {"a": {"kind": "A"}}}


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    def make(stack: TerraformStack) -> BackupRelease:
        langfuse = Release(stack, "langfuse", name="langfuse", chart="langfuse")
        return BackupRelease(stack, "backup", values=VALUES, timeout=60, after=[langfuse])

    return bare_stack(make)


def test_destroy_deletes_it_before_langfuse(stack: Stack) -> None:
    assert stack.resource("helm_release", "langfuse-backup")["depends_on"] == [
        "helm_release.langfuse"
    ]


def test_chart_is_a_copy_in_the_folder_of_the_stack(stack: Stack) -> None:
    release = stack.resource("helm_release", "langfuse-backup")
    assert {"repository", "version"}.isdisjoint(release)
    assert re.fullmatch(r"assets/backup_chart_\w+/[0-9A-F]{32}", release["chart"])


def test_values_are_the_manifests(stack: Stack) -> None:
    assert chart_values(stack, "langfuse-backup") == VALUES
