"""Helm's way into the cluster."""

from cdktf import Fn, TerraformLocal, TerraformStack
from cdktf_cdktf_provider_helm.provider import (
    HelmProvider,
    HelmProviderKubernetes,
    HelmProviderKubernetesExec,
)
from constructs import Construct

from constructs_lib.existing_cluster import ExistingCluster


class ClusterLogin(Construct):
    """The Helm provider, logged in to the cluster that the network stack has published.

    If its outputs are gone, which any destroy of it takes away, the cluster is looked up by its
    name, so that what is installed there can still be destroyed.
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
        """Log in.

        Args:
            scope: parent construct.
            id_: construct id.
            name: of the cluster, where its outputs are gone.
            region: its AWS region.
            cluster_name: its name, as published.
            endpoint: its URL, as published.
            certificate_authority_data: its PEM certificate, base64 encoded, as published.
            missing: what stands for an output that is not published.
            with_cli: whether the AWS CLI is there to ask for a token.

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
        """Return what was published, or else what was looked up."""
        local = TerraformLocal(
            self, id_, f'${{{value} == "{missing}" ? try({otherwise}, {value}) : {value}}}'
        )
        local.override_logical_id(id_)
        return local.as_string

    def _token_of(self, name: str) -> str:
        """Return a token that is made anew for each apply.

        An ephemeral resource, unlike the data source of the same name, takes no token from the plan
        into an apply that was approved later, and leaves none in the state.
        """
        token = {"aws_eks_cluster_auth": {"cluster": {"name": name}}}
        TerraformStack.of(self).add_override("ephemeral", token)
        return "${ephemeral.aws_eks_cluster_auth.cluster.token}"


def _token_of_cli(name: str, region: str) -> HelmProviderKubernetesExec:
    """Let Helm get its own token: a published one expires while a plan waits for approval."""
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
