"""The Helm release that puts numbers of ClickHouse into CloudWatch."""

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import ITerraformDependable
from constructs import Construct

from constructs_lib.helm_release import manifests_release
from in_cluster.names import METRICS


class MetricsRelease(Construct):
    """A release of its own: where it fails, Langfuse and its backups are as they were."""

    address: str
    """Its Terraform address."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        values: Mapping[str, Any],
        timeout: int,
        after: Sequence[ITerraformDependable],
    ) -> None:
        """Install the chart.

        Args:
            scope: parent construct.
            id_: construct id.
            values: chart values: ``manifests`` holds them by keys.
            timeout: seconds that Helm waits for a Job.
            after: releases that are destroyed after this one.

        """
        super().__init__(scope, id_)
        manifests_release(self, name=METRICS, values=values, timeout=timeout, after=after)
        self.address = f"helm_release.{METRICS}"
