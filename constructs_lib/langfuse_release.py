"""Langfuse itself, as one Helm release."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cdktf import DataResource, Fn, TerraformLocal, TerraformResourceLifecycle, Token
from cdktf_cdktf_provider_helm.release import ReleaseSetWo
from constructs import Construct

import versions
from constructs_lib.helm_release import MAX_HISTORY, HelmRelease
from in_cluster.extra_manifests import EXTRA_MANIFESTS, SECRET_MANIFEST
from in_cluster.helm_chart import Chart, as_yaml
from in_cluster.names import NAMESPACE, RELEASE, SecretKey

# Seconds, for ``wait_seconds``. Web's first start runs all migrations, and its image is large.
TIMEOUT: Final = 1800


class LangfuseRelease(Construct):
    """The chart with its values, and the secrets beside them."""

    release: HelmRelease

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        chart: str,
        values: Mapping[str, Any],
        secrets: Mapping[SecretKey, str],
        wait_seconds: int = TIMEOUT,
    ) -> None:
        """Make the release.

        Args:
            scope: parent construct.
            id_: construct id.
            chart: URL of a chart repository, or absolute path of a chart.
            values: of the chart; its ``extraManifests.secret`` is the Secret.
            secrets: value of every key of the release's Secret; they go to it and nowhere else.
            wait_seconds: how long Helm waits for all pods of a new release; one that exists keeps
                its wait.

        """
        super().__init__(scope, id_)
        found = Chart.at(chart, name="langfuse", version=versions.LANGFUSE_CHART)
        text = TerraformLocal(self, "values", as_yaml(values))
        text.override_logical_id("langfuse_values")
        described = [text.as_string, found.repository, found.chart, found.version]
        revision = SecretsRevision(
            self,
            "revision",
            follows=[*described, MAX_HISTORY, *(secrets[key] for key in SecretKey)],
        )
        self.release = HelmRelease(
            self,
            "release",
            name=RELEASE,
            namespace=NAMESPACE,
            create_namespace=True,
            chart=found,
            values=text.as_string,
            # Base64, as a Secret's data is: commas and braces mean something to --set.
            secrets=[
                ReleaseSetWo(
                    name=f"{EXTRA_MANIFESTS}.{SECRET_MANIFEST}.{path}", value=value, type="string"
                )
                for path, value in (
                    ("kind", "Secret"),
                    *((f"data.{key.value}", Fn.base64encode(secrets[key])) for key in SecretKey),
                )
            ],
            secrets_revision=revision.number,
            timeout=wait_seconds,
        )
        # A change of the wait alone would be an update that the revision does not follow.
        self.release.add_override("lifecycle.ignore_changes", ["timeout"])


class SecretsRevision(Construct):
    """A number that grows with every change of the release.

    The Helm provider sends write-only values only if ``set_wo_revision`` is larger than before, and
    any other update goes without them (helm 3.1.1, ``Update`` in resource_helm_release.go). So the
    revision follows all that can update the release, and is the time of that plan.
    """

    number: float

    def __init__(self, scope: Construct, id_: str, *, follows: Sequence[object]) -> None:
        """Take the time anew whenever one of ``follows`` changes."""
        super().__init__(scope, id_)
        known = [each for each in follows if each is not None]
        revision = DataResource(
            self,
            "time",
            # A hash of random secrets of 32 bytes among others tells nothing of any of them.
            triggers_replace={"release": Fn.nonsensitive(Fn.sha256(Fn.jsonencode(known)))},
            lifecycle=TerraformResourceLifecycle(ignore_changes=["input"]),
        )
        now = 'tonumber(formatdate("YYYYMMDDhhmmss", plantimestamp()))'
        revision.add_override("input", f"${{{now}}}")
        revision.override_logical_id("secrets_revision")
        self.number = Token.as_number(revision.interpolation_for_attribute("output"))
