"""The Helm release with the options that all releases of this project share."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from cdktf import AssetType, ITerraformDependable, TerraformAsset, TerraformLocal
from cdktf_cdktf_provider_helm.release import Release, ReleaseSetWo
from constructs import Construct

import in_cluster
from in_cluster.helm_chart import Chart, as_yaml
from in_cluster.names import NAMESPACE, RELEASE

# Revisions that Helm keeps for a rollback, each as a Secret with the whole release.
MAX_HISTORY: Final = 5
# Of manifests of ours: any of them are its values.
MANIFESTS_CHART: Final = Path(in_cluster.__path__[0], "manifests_chart")


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


def manifests_release(
    scope: Construct,
    *,
    name: str,
    values: Mapping[str, Any],
    timeout: int,
    create_namespace: bool | None = None,
    after: Sequence[ITerraformDependable] | None = None,
) -> HelmRelease:
    """Install the chart of manifests.

    Args:
        scope: construct of this one release.
        name: name of the release.
        values: chart values: ``manifests`` holds them by keys.
        timeout: seconds that Helm waits for pods and Jobs.
        create_namespace: whether Helm creates the namespace.
        after: resources that are created before the release and destroyed after it.

    """
    chart = manifests_chart(scope)
    # As those of Langfuse's release: golden files then show what an option changes, not all.
    text = TerraformLocal(scope, "values", as_yaml(values))
    text.override_logical_id(f"{name.removeprefix(f'{RELEASE}-').replace('-', '_')}_values")
    return HelmRelease(
        scope,
        "release",
        name=name,
        namespace=NAMESPACE,
        create_namespace=create_namespace,
        chart=Chart(None, chart.path, None),
        values=text.as_string,
        timeout=timeout,
        after=after,
    )


def manifests_chart(scope: Construct) -> TerraformAsset:
    """Return the chart of manifests, in the stack's folder: all that a remote run has."""
    return TerraformAsset(scope, "chart", path=str(MANIFESTS_CHART), type=AssetType.DIRECTORY)
