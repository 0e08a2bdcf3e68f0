"""Langfuse itself, as one Helm release."""

from collections.abc import Mapping
from typing import Any, Final

from cdktf import Fn
from cdktf_cdktf_provider_helm.release import Release, ReleaseSetSensitive
from constructs import Construct

import versions
from constructs_lib.helm_chart import Chart, as_yaml
from constructs_lib.langfuse_items import SECRET_ITEM
from constructs_lib.langfuse_names import NAMESPACE, RELEASE, SecretKey

# Seconds, for ``wait_seconds``. Web's first start runs all migrations, and its image is large.
TIMEOUT: Final = 1800

# Revisions that Helm keeps for a rollback; each holds the whole release in a Secret.
MAX_HISTORY: Final = 5


class LangfuseRelease(Construct):
    """The chart with its values, and the secrets beside them."""

    release: Release

    def __init__(  # noqa: PLR0913 - what a release is made of
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
            values: of the chart; the first of its ``extraManifests`` is the Secret.
            secrets: value of every key of the release's Secret; they go to it and nowhere else.
            wait_seconds: how long Helm waits for all pods. Another wait than the usual is
                the one of new releases only, so that it changes none that exists.

        """
        super().__init__(scope, id_)
        found = Chart.at(chart, name="langfuse", version=versions.LANGFUSE_CHART)
        self.release = Release(
            self,
            "release",
            name=RELEASE,
            namespace=NAMESPACE,
            create_namespace=True,
            repository=found.repository,
            chart=found.chart,
            version=found.version,
            values=[as_yaml(values)],
            # Base64, as a Secret's data is: commas and braces mean something to --set.
            set_sensitive=[
                ReleaseSetSensitive(
                    name=f"extraManifests[{SECRET_ITEM}].data.{key.value}",
                    value=Fn.base64encode(secrets[key]),
                    type="string",
                )
                for key in SecretKey
            ],
            wait=True,
            timeout=wait_seconds,
            max_history=MAX_HISTORY,
            # A deploy that was cut off may leave a release that Terraform does not know.
            upgrade_install=True,
        )
        self.release.override_logical_id("langfuse")
        if wait_seconds != TIMEOUT:
            self.release.add_override("lifecycle.ignore_changes", ["timeout"])
