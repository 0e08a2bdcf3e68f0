"""The Helm release with the backups of ClickHouse."""

from collections.abc import Mapping, Sequence
from typing import Any

from cdktf import ITerraformDependable
from constructs import Construct

from constructs_lib.helm_release import manifests_release
from in_cluster.names import BACKUP


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
        manifests_release(self, name=BACKUP, values=values, timeout=timeout, after=after)
