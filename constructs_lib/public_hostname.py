"""The public hostname: Traefik on ports of its node, and ExternalDNS for the DNS record."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cdktf import DataResource, ITerraformDependable, LocalExecProvisioner
from constructs import Construct

import versions
from constructs_lib.helm_release import HelmRelease
from in_cluster.external_dns_values import INTERVAL
from in_cluster.helm_chart import Chart, as_yaml
from in_cluster.names import EXTERNAL_DNS, NAMESPACE, TRAEFIK

# Seconds. Helm waits for two images and one small volume.
TIMEOUT: Final = 600

# Seconds. Two sync intervals of ExternalDNS, and time for its API calls.
DNS_CLEANUP_SECONDS: Final = 2 * INTERVAL + 15


class PublicHostname(Construct):
    """The releases of ExternalDNS and Traefik, in an order in which a destroy deletes the record.

    ExternalDNS creates the record from Traefik's Service. A destroy deletes Traefik first, waits
    until ExternalDNS has deleted the record, and then deletes ExternalDNS.
    """

    last: HelmRelease
    """The release that a destroy deletes first."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        traefik_chart: str,
        traefik_values: Mapping[str, Any],
        external_dns_chart: str,
        external_dns_values: Mapping[str, Any],
        after: ITerraformDependable,
    ) -> None:
        """Install both charts.

        Args:
            scope: parent construct.
            id_: construct id.
            traefik_chart: URL of a chart repository, or absolute path of a chart.
            traefik_values: values of that chart.
            external_dns_chart: the same for ExternalDNS.
            external_dns_values: values of that chart.
            after: the release of Langfuse, whose storage class and pods these releases need.

        """
        super().__init__(scope, id_)
        external_dns = self._release(
            EXTERNAL_DNS,
            Chart.at(external_dns_chart, name="external-dns", version=versions.EXTERNAL_DNS_CHART),
            external_dns_values,
            after=[after],
        )
        dns_cleanup_wait = DataResource(
            self,
            "farewell",
            depends_on=[external_dns],
            provisioners=[
                LocalExecProvisioner(
                    type="local-exec", when="destroy", command=f"sleep {DNS_CLEANUP_SECONDS}"
                )
            ],
        )
        dns_cleanup_wait.override_logical_id("farewell")
        self.last = self._release(
            TRAEFIK,
            Chart.at(traefik_chart, name="traefik", version=versions.TRAEFIK_CHART),
            traefik_values,
            after=[dns_cleanup_wait],
        )

    def _release(
        self,
        name: str,
        chart: Chart,
        values: Mapping[str, Any],
        *,
        after: Sequence[ITerraformDependable],
    ) -> HelmRelease:
        return HelmRelease(
            self,
            name,
            name=name,
            namespace=NAMESPACE,
            chart=chart,
            values=as_yaml(values),
            # Traefik's CRDs serve providers that are disabled; Helm never deletes CRDs.
            skip_crds=True,
            timeout=TIMEOUT,
            after=after,
        )
