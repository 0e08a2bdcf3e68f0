"""The Helm provider, authenticated to the EKS cluster."""

from cdktf import Fn, TerraformLocal, TerraformStack
from cdktf_cdktf_provider_helm.provider import (
    HelmProvider,
    HelmProviderKubernetes,
    HelmProviderKubernetesExec,
)
from constructs import Construct

from constructs_lib.existing_cluster import ExistingCluster


class ClusterLogin(Construct):
    """The Helm provider for the cluster that the network stack publishes.

    Any destroy of the network stack, even a failed one, removes its outputs. The cluster is then
    looked up by its name, so that the releases in it can still be destroyed.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        region: str,
        cluster_name: str,
        endpoint: str,
        certificate_authority_data: str,
        missing: str,
        with_cli: bool,
    ) -> None:
        """Configure the provider.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the cluster, for the look-up without outputs.
            region: AWS region of the cluster.
            cluster_name: published name.
            endpoint: published URL of the API server.
            certificate_authority_data: published PEM certificate, base64 encoded.
            missing: value of the three above if the output is not published.
            with_cli: True where the AWS CLI is on PATH and can request a token, False in Terraform
                Cloud.

        """
        super().__init__(scope, id_)
        existing = f"one({ExistingCluster(self, 'existing', name=name).fqn}[*])"
        host = self._published(endpoint, f"{existing}.endpoint", missing, "cluster_endpoint")
        authority = self._published(
            certificate_authority_data,
            f"{existing}.certificate_authority[0].data",
            missing,
            "cluster_certificate_authority_data",
        )
        found_name = self._published(cluster_name, f'"{name}"', missing, "cluster_name")
        login = (
            {"exec": _token_of_cli(found_name, region)}
            if with_cli
            else {"token": self._token_of(found_name)}
        )
        HelmProvider(
            self,
            "helm",
            kubernetes=HelmProviderKubernetes(
                host=host,
                cluster_ca_certificate=Fn.try_([Fn.base64decode(authority), ""]),
                **login,
            ),
        )

    def _published(self, value: str, otherwise: str, missing: str, id_: str) -> str:
        """Return the published value, or the expression ``otherwise`` if it is missing."""
        local = TerraformLocal(
            self, id_, f'${{{value} == "{missing}" ? try({otherwise}, {value}) : {value}}}'
        )
        local.override_logical_id(id_)
        return local.as_string

    def _token_of(self, name: str) -> str:
        """Return a token from an ephemeral resource, which is evaluated again in each apply.

        The data source of the same name would store the token in the state, and an apply that is
        approved late would use the expired token of its plan.
        """
        token = {"aws_eks_cluster_auth": {"cluster": {"name": name}}}
        TerraformStack.of(self).add_override("ephemeral", token)
        return "${ephemeral.aws_eks_cluster_auth.cluster.token}"


def _token_of_cli(name: str, region: str) -> HelmProviderKubernetesExec:
    """Return an exec plugin that requests a token when the provider needs one.

    A published token expires after 15 minutes, while a plan may still wait for approval.
    """
    return HelmProviderKubernetesExec(
        api_version="client.authentication.k8s.io/v1beta1",
        command="aws",
        args=[
            "eks",
            "get-token",
            "--output",
            "json",
            "--region",
            region,
            "--cluster-name",
            name,
        ],
    )
