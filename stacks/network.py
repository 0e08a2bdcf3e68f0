"""Stack 1: VPC and EKS cluster."""

from cdktf import Fn, TerraformVariable
from constructs import Construct

import versions
from constructs_lib.destroy_order import DestroyOrder
from constructs_lib.eks_cluster import CREATOR, EksCluster
from constructs_lib.nat_instance import NatInstance
from constructs_lib.private_route import PrivateRoute
from constructs_lib.public_vpc import PublicVpc, private_subnets
from contracts import NETWORK, OPERATOR_ARN, RUN_ROLE_ARN, NetworkOutputs
from in_cluster.names import NAMESPACE
from settings import Settings
from stacks.alarms import add_budget
from stacks.base import BaseStack
from stacks.hours import let_nodes_sleep
from stacks.interface import publish, publish_next_steps


class NetworkStack(BaseStack):
    """The VPC, the EKS cluster and its nodes."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, NETWORK, settings=settings)
        for provider, version in versions.PROVIDERS_OF_EKS_MODULE.items():
            self.add_override(
                f"terraform.required_providers.{provider}",
                {"source": f"hashicorp/{provider}", "version": version},
            )
        private = settings.private_nodes
        vpc = PublicVpc(
            self,
            "network",
            name=settings.name,
            cidr=str(settings.vpc_cidr),
            private=private is not None,
            nat_gateway=private is not None and private.nat == "gateway",
        )
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
            tags=settings.tags,
            administrators=self._administrators() if settings.runs_remotely else None,
            permissions_boundary=settings.iam_permissions_boundary,
            pull_through=settings.image_source.ecr_repositories(settings.image_registries),
            web_cidrs=settings.public_name.allowed_cidrs if settings.public_name else None,
            node_subnet_ids=vpc.private_subnet_ids if private else None,
            node_way_out=self._private_route(vpc, settings) if private else None,
            nodes_sleep=settings.awake_hours is not None,
        )
        hours = settings.awake_hours
        DestroyOrder(
            self,
            "order",
            name=settings.name,
            region=settings.aws_default_region,
            namespace=NAMESPACE,
            before=(
                *add_budget(self, settings),
                *(let_nodes_sleep(self, cluster, hours, settings) if hours else ()),
            ),
        )
        publish(
            self,
            NetworkOutputs(
                vpc_id=vpc.vpc_id,
                database_subnet_ids=vpc.public_subnet_ids,
                data_zone=vpc.zone,
                node_security_group_id=cluster.node_security_group_id,
                oidc_provider_arn=cluster.oidc_provider_arn,
                cluster_name=cluster.cluster_name,
                cluster_endpoint=cluster.endpoint,
                cluster_certificate_authority_data=cluster.certificate_authority_data,
            ),
        )
        publish_next_steps(
            self,
            reach_the_cluster=(
                f"uv run aws eks update-kubeconfig --name {settings.name} "
                f"--region {settings.aws_default_region}"
            ),
        )

    def _private_route(self, vpc: PublicVpc, settings: Settings) -> str:
        """Create what private nodes reach the internet by, and return its Terraform address.

        It depends on the whole VPC: without the internet gateway, or the subnets' associations with
        the route table, it would lead nowhere.
        """
        after, interface_id = [vpc.address], None
        if settings.has_nat_instance:
            instance = NatInstance(
                self,
                "nat",
                name=f"{settings.name}-nat",
                vpc_id=vpc.vpc_id,
                subnet_id=Fn.element(vpc.public_subnet_ids, 0),
                client_cidrs=private_subnets(str(settings.vpc_cidr)),
                tags=settings.tags,
                after=[vpc.address],
                permissions_boundary=settings.iam_permissions_boundary,
            )
            after.append(instance.address)
            interface_id = instance.interface_id
        return PrivateRoute(
            self,
            "private_route",
            route_table_id=vpc.private_route_table_id,
            nat_gateway_id=vpc.nat_gateway_id or None,
            network_interface_id=interface_id,
            after=after,
        ).address

    def _administrators(self) -> dict[str, str]:
        """Return the cluster-admins: the local operator and the role of remote runs.

        By default the module admits the identity that runs Terraform, and removes the other.
        """
        return {CREATOR: self._variable(OPERATOR_ARN), "runs": self._variable(RUN_ROLE_ARN)}

    def _variable(self, name: str) -> str:
        variable = TerraformVariable(
            self,
            name,
            type="string",
            nullable=False,
            description="Set in the workspace by the stack workspaces.",
        )
        return variable.string_value
