"""The operator that fills a Secret from Secrets Manager, and what it works on."""

from collections.abc import Mapping
from typing import Any

from cdktf import ITerraformDependable, TerraformLocal, TerraformResourceLifecycle
from constructs import Construct

import versions
from constructs_lib.helm_release import HelmRelease, manifests_chart
from in_cluster.helm_chart import Chart, as_yaml
from in_cluster.names import EXTERNAL_SECRETS, NAMESPACE, SECRET_STORE

# Seconds. The operator pulls an image of 40 MB; it lets go of the Secret within one.
TIMEOUT = 300


class ExternalSecrets(Construct):
    """Two releases, on which Langfuse's release depends.

    An ExternalSecret has a finalizer that only the operator removes. So the release with it is
    deleted before that of the operator, and Helm waits until it is gone. With the operator its kind
    goes, and every object of the kind.

    Where the option is switched off, Terraform deletes both after it has upgraded Langfuse's
    release, and not before: ``create_before_destroy`` is in the state.
    """

    before: list[ITerraformDependable]
    """What Langfuse's release has to depend on."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        chart: str,
        operator: Mapping[str, Any],
        store: Mapping[str, Any],
    ) -> None:
        """Install both charts.

        Args:
            scope: parent construct.
            id_: construct id.
            chart: URL of a chart repository, or absolute path of the operator's chart.
            operator: its values.
            store: values of ``manifests_chart``: the ExternalSecret and its SecretStore.

        """
        super().__init__(scope, id_)
        programs = self._release(
            EXTERNAL_SECRETS,
            Chart.at(chart, name=EXTERNAL_SECRETS, version=versions.EXTERNAL_SECRETS_CHART),
            operator,
        )
        objects = self._release(
            SECRET_STORE, Chart(None, manifests_chart(self).path, None), store, programs
        )
        self.before = [objects]

    def _release(
        self, name: str, chart: Chart, values: Mapping[str, Any], *after: HelmRelease
    ) -> HelmRelease:
        text = TerraformLocal(self, f"{name}_values", as_yaml(values))
        text.override_logical_id(f"{name.replace('-', '_')}_values")
        release = HelmRelease(
            self,
            name,
            name=name,
            namespace=NAMESPACE,
            create_namespace=True,
            chart=chart,
            values=text.as_string,
            timeout=TIMEOUT,
            after=[*after] or None,
        )
        release.lifecycle = TerraformResourceLifecycle(create_before_destroy=True)
        return release
