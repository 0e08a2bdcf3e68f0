"""The Helm release with metrics and dashboards."""

from collections.abc import Mapping
from typing import Any, Final

from cdktf import ITerraformDependable, TerraformLocal
from constructs import Construct

from constructs_lib.backup_release import manifests_chart
from constructs_lib.helm_release import HelmRelease
from in_cluster.helm_chart import Chart, as_yaml
from in_cluster.names import MONITORING, NAMESPACE

# Seconds. Two images to pull, and a volume to attach.
TIMEOUT: Final = 600


class MonitoringRelease(Construct):
    """A release beside Langfuse's own, so that nothing of Langfuse waits for it.

    It uses Langfuse's StorageClass and Secret, and is made after that release and destroyed before.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        values: Mapping[str, Any],
        after: ITerraformDependable,
    ) -> None:
        """Install the chart.

        Args:
            scope: parent construct.
            id_: construct id.
            values: chart values: ``manifests`` holds them by keys.
            after: the release of Langfuse.

        """
        super().__init__(scope, id_)
        text = TerraformLocal(self, "values", as_yaml(values))
        text.override_logical_id("monitoring_values")
        HelmRelease(
            self,
            "release",
            name=MONITORING,
            namespace=NAMESPACE,
            chart=Chart(None, manifests_chart(self).path, None),
            values=text.as_string,
            timeout=TIMEOUT,
            after=[after],
        )
