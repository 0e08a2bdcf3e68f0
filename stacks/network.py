"""Stack 1: the network and the cluster."""

from constructs import Construct

from constructs_lib.eks_cluster import EksCluster
from constructs_lib.public_vpc import PublicVpc
from constructs_lib.stack_outputs import publish, publish_hints
from contracts import NetworkOutputs
from settings import Settings
from stacks.base import BaseStack

NETWORK = "network"


class NetworkStack(BaseStack):
    """VPC and EKS."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, NETWORK, settings=settings)
        vpc = PublicVpc(self, "network", name=settings.name, cidr=str(settings.vpc_cidr))
        cluster = EksCluster(
            self,
            "cluster",
            name=settings.name,
            kubernetes_version=settings.kubernetes_version,
            vpc_id=vpc.vpc_id,
            subnet_ids=vpc.public_subnet_ids,
            allowed_cidrs=[str(cidr) for cidr in settings.cluster_allowed_cidrs],
            node_instance_type=settings.node_instance_type,
            node_count=settings.node_count,
            node_capacity_type=settings.node_capacity_type,
            node_disk_gb=settings.node_disk_gb,
            web_cidrs=(
                [str(cidr) for cidr in settings.ingress_allowed_cidrs]
                if settings.langfuse_domain
                else None
            ),
        )
        publish(
            self,
            NetworkOutputs(
                vpc_id=vpc.vpc_id,
                public_subnet_ids=vpc.public_subnet_ids,
                node_security_group_id=cluster.node_security_group_id,
                oidc_provider_arn=cluster.oidc_provider_arn,
                cluster_name=cluster.cluster_name,
                cluster_endpoint=cluster.endpoint,
                cluster_certificate_authority_data=cluster.certificate_authority_data,
            ),
        )
        publish_hints(
            self,
            reach_the_cluster=(
                f"uv run aws eks update-kubeconfig --name {settings.name} "
                f"--region {settings.aws_default_region}"
            ),
        )
