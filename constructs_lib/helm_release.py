"""A Helm release, as all of this project are."""

from collections.abc import Sequence
from typing import Final

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_helm.release import Release, ReleaseSetWo
from constructs import Construct

from in_cluster.helm_chart import Chart

# Revisions that Helm keeps for a rollback; each holds the whole release in a Secret.
MAX_HISTORY: Final = 5


class HelmRelease(Release):
    """A release that waits for its pods, and takes over what an interrupted deploy installed."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        namespace: str,
        chart: Chart,
        values: str,
        timeout: int,
        create_namespace: bool | None = None,
        skip_crds: bool | None = None,
        secrets: Sequence[ReleaseSetWo] | None = None,
        secrets_revision: float | None = None,
        after: Sequence[ITerraformDependable] | None = None,
    ) -> None:
        """Install the chart.

        Args:
            scope: parent construct.
            id_: construct id.
            name: of the release, and of the resource in Terraform addresses.
            namespace: Kubernetes namespace.
            chart: repository, name and version.
            values: chart values, as YAML.
            timeout: seconds that Helm waits for all pods to be ready.
            create_namespace: whether Helm creates the namespace; a destroy leaves it.
            skip_crds: whether to leave out the chart's CRDs.
            secrets: write-only values, which neither state nor plan holds.
            secrets_revision: number that must grow for Helm to be sent ``secrets`` again.
            after: resources that must exist before it, and outlive it.

        """
        super().__init__(
            scope,
            id_,
            name=name,
            namespace=namespace,
            create_namespace=create_namespace,
            repository=chart.repository,
            chart=chart.chart,
            version=chart.version,
            values=[values],
            set_wo=secrets,
            set_wo_revision=secrets_revision,
            skip_crds=skip_crds,
            wait=True,
            timeout=timeout,
            max_history=MAX_HISTORY,
            # An interrupted deploy may leave a release that Terraform does not know.
            upgrade_install=True,
            depends_on=after,
        )
        self.override_logical_id(name)
