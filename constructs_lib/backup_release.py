"""The Helm release with the backups of ClickHouse."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cdktf import AssetType, ITerraformDependable, TerraformAsset, TerraformLocal
from constructs import Construct

import in_cluster
from constructs_lib.helm_release import HelmRelease
from in_cluster.helm_chart import Chart, as_yaml
from in_cluster.names import BACKUP, NAMESPACE

CHART: Final = Path(in_cluster.__path__[0], "manifests_chart")


class BackupRelease(Construct):
    """A release that a destroy deletes first: Helm backs up before it does, or fails.

    As a hook of Langfuse's own release, a failed backup would leave that in a status in which it
    can be neither upgraded nor deployed (docs/adr/0025-backups-of-clickhouse.md).
    """

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
        chart = manifests_chart(self)
        # As those of Langfuse's release: golden files then show what an option changes, not all.
        text = TerraformLocal(self, "values", as_yaml(values))
        text.override_logical_id("backup_values")
        HelmRelease(
            self,
            "release",
            name=BACKUP,
            namespace=NAMESPACE,
            chart=Chart(None, chart.path, None),
            values=text.as_string,
            timeout=timeout,
            after=after,
        )


def manifests_chart(scope: Construct) -> TerraformAsset:
    """Return the chart of manifests, in the stack's folder: all that a remote run has."""
    return TerraformAsset(scope, "chart", path=str(CHART), type=AssetType.DIRECTORY)
