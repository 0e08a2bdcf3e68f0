"""The Helm release with the options that all releases of this project share."""

from collections.abc import Sequence
from typing import Final

from cdktf import ITerraformDependable
from cdktf_cdktf_provider_helm.release import Release, ReleaseSetWo
from constructs import Construct

from in_cluster.helm_chart import Chart

# Revisions that Helm keeps for a rollback, each as a Secret with the whole release.
MAX_HISTORY: Final = 5


class HelmRelease(Release):
    """A release that waits for its pods, and adopts a release of an interrupted deploy."""

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
            name: name of the release, and of the resource in Terraform addresses.
            namespace: Kubernetes namespace.
            chart: repository, name and version.
            values: chart values, as YAML.
            timeout: seconds that Helm waits for all pods to be ready.
            create_namespace: whether Helm creates the namespace; a destroy does not delete it.
            skip_crds: whether to skip the chart's CRDs.
            secrets: write-only values, which are in neither the state nor the plan.
            secrets_revision: number that must increase for ``secrets`` to be sent again.
            after: resources that are created before the release and destroyed after it.

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
            # An interrupted deploy may leave a release that is not in the state.
            upgrade_install=True,
            depends_on=after,
        )
        self.override_logical_id(name)
