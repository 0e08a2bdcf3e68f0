"""The Helm release with metrics and dashboards."""

from collections.abc import Mapping
from typing import Any, Final

from cdktf import ITerraformDependable
from constructs import Construct

from constructs_lib.helm_release import manifests_release
from in_cluster.names import MONITORING

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
        manifests_release(self, name=MONITORING, values=values, timeout=TIMEOUT, after=[after])
