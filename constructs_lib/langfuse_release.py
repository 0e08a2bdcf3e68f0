"""The Helm release of Langfuse."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cdktf import (
    DataResource,
    Fn,
    ITerraformDependable,
    TerraformLocal,
    TerraformResourceLifecycle,
    Token,
)
from cdktf_cdktf_provider_helm.release import ReleaseSetWo
from constructs import Construct

import versions
from constructs_lib.helm_release import MAX_HISTORY, HelmRelease
from in_cluster.extra_manifests import EXTRA_MANIFESTS, SECRET_MANIFEST
from in_cluster.helm_chart import Chart, as_yaml
from in_cluster.names import NAMESPACE, RELEASE

# Seconds. The first start of web pulls a large image and runs all migrations.
TIMEOUT: Final = 1800


class LangfuseRelease(Construct):
    """The chart with its values, and its secrets as write-only values."""

    release: HelmRelease
    """The release, for resources that depend on it."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        chart: str,
        values: Mapping[str, Any],
        secrets: Mapping[str, str],
        wait_seconds: int = TIMEOUT,
        after: Sequence[ITerraformDependable] | None = None,
    ) -> None:
        """Install the chart.

        Args:
            scope: parent construct.
            id_: construct id.
            chart: URL of a chart repository, or absolute path of a chart.
            values: chart values; ``extraManifests.secret`` is the Secret without its data.
            secrets: data of the Secret, by key; the release is their only destination.
            wait_seconds: seconds that Helm waits for all pods of a new release; an existing
                release keeps its timeout.
            after: resources that are created before the release and destroyed after it.

        """
        super().__init__(scope, id_)
        found = Chart.at(chart, name="langfuse", version=versions.LANGFUSE_CHART)
        text = TerraformLocal(self, "values", as_yaml(values))
        text.override_logical_id("langfuse_values")
        described = [text.as_string, found.repository, found.chart, found.version]
        revision = SecretsRevision(
            self,
            "revision",
            triggers=[*described, MAX_HISTORY, *secrets.values()],
        )
        self.release = HelmRelease(
            self,
            "release",
            name=RELEASE,
            namespace=NAMESPACE,
            create_namespace=True,
            chart=found,
            values=text.as_string,
            # Base64, the form of a Secret's data: Helm's --set would interpret commas and braces.
            secrets=[
                ReleaseSetWo(
                    name=f"{EXTRA_MANIFESTS}.{SECRET_MANIFEST}.{path}", value=value, type="string"
                )
                for path, value in (
                    ("kind", "Secret"),
                    *((f"data.{key}", Fn.base64encode(value)) for key, value in secrets.items()),
                )
            ],
            secrets_revision=revision.number,
            timeout=wait_seconds,
            after=after,
        )
        # A change of the timeout alone would be an update without a new revision.
        self.release.add_override("lifecycle.ignore_changes", ["timeout"])


class SecretsRevision(Construct):
    """A number that increases with every change of the release.

    The Helm provider sends write-only values only if ``set_wo_revision`` has increased; any other
    update omits them (helm 3.1.1, ``Update`` in resource_helm_release.go). So everything that can
    update the release triggers a new revision: the time of the plan.
    """

    number: float
    """Time of the plan that last changed the release, as YYYYMMDDhhmmss."""

    def __init__(self, scope: Construct, id_: str, *, triggers: Sequence[object]) -> None:
        """Create the revision.

        Args:
            scope: parent construct.
            id_: construct id.
            triggers: values; a change of any of them makes a new revision.

        """
        super().__init__(scope, id_)
        known = [each for each in triggers if each is not None]
        revision = DataResource(
            self,
            "time",
            # Safe to show: the hash covers random secrets of 32 bytes, so no value can be guessed.
            triggers_replace={"release": Fn.nonsensitive(Fn.sha256(Fn.jsonencode(known)))},
            lifecycle=TerraformResourceLifecycle(ignore_changes=["input"]),
        )
        now = 'tonumber(formatdate("YYYYMMDDhhmmss", plantimestamp()))'
        revision.add_override("input", f"${{{now}}}")
        revision.override_logical_id("secrets_revision")
        self.number = Token.as_number(revision.interpolation_for_attribute("output"))
