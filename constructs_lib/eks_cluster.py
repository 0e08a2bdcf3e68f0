"""An EKS cluster with one managed node group."""

from collections.abc import Mapping

from cdktf import Fn, Postcondition, TerraformHclModule, Token
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct

import sizing
import versions
from constructs_lib.checkpoint import Checkpoint
from constructs_lib.existing_cluster import ExistingCluster
from constructs_lib.node_template import NodeTemplate
from constructs_lib.workload_role import WorkloadRole

# Its ARN has no service-role/ path, unlike the one of AmazonEBSCSIDriverPolicy.
EBS_CSI_POLICY = "AmazonEBSCSIDriverPolicyV2"

ADMINISTRATOR_POLICY = "AmazonEKSClusterAdminPolicy"

# Key of the EKS module for the access entry of the identity that runs Terraform.
CREATOR = "cluster_creator"


class EksCluster(Construct):
    """A cluster with a public endpoint; without the KMS key and logs that cost extra."""

    cluster_name: str
    endpoint: str
    """URL of the API server."""
    certificate_authority_data: str
    """PEM certificate, base64 encoded."""
    oidc_provider_arn: str
    """ARN of the IAM OIDC provider, for roles of service accounts."""
    node_security_group_id: str

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        kubernetes_version: str,
        vpc_id: str,
        subnet_ids: list[str],
        allowed_cidrs: list[str],
        node_instance_type: str,
        node_count: int,
        node_capacity_type: str,
        node_disk_gb: int,
        tags: Mapping[str, str],
        administrators: Mapping[str, str] | None = None,
        web_cidrs: list[str] | None = None,
        pull_through: list[str] | None = None,
        permissions_boundary: str | None = None,
        node_subnet_ids: list[str] | None = None,
        node_way_out: str | None = None,
    ) -> None:
        """Create the cluster.

        Args:
            scope: parent construct.
            id_: construct id.
            name: cluster name; at most 20 characters, because IAM limits the names made from it.
            kubernetes_version: minor version, such as ``1.36``.
            vpc_id: the VPC.
            subnet_ids: public subnets in two zones.
            allowed_cidrs: IPv4 CIDRs that may reach the API server.
            node_instance_type: EC2 type; a Graviton type gets the ARM image.
            node_count: nodes in the managed node group.
            node_capacity_type: ``ON_DEMAND`` or ``SPOT``.
            node_disk_gb: root volume of each node, in GiB.
            tags: tags of the nodes and their volumes.
            administrators: ARNs of IAM principals with cluster-admin rights, by a key of your
                choice (``CREATOR`` for the identity that runs Terraform); None for that one only.
            web_cidrs: IPv4 CIDRs that may reach ports 80 and 443 of the nodes; None for none.
            pull_through: repositories of ECR's pull-through cache that a pull of the nodes may
                create and fill, as ARNs after the partition; None for none.
            permissions_boundary: ARN of the policy that bounds every role; None for none.
            node_subnet_ids: subnets of the nodes, in the same zones; a single node is in the first.
                None for ``subnet_ids``. Others replace the node group, the new one first.
            node_way_out: Terraform address of what the nodes reach the internet by, besides their
                subnets; None for nothing.

        """
        super().__init__(scope, id_)
        Checkpoint(self, "checkpoint", after=subnet_ids)
        ExistingCluster(self, "existing", name=name, conditions=_can_upgrade_to(kubernetes_version))
        cluster = TerraformHclModule(
            self,
            "eks",
            source="terraform-aws-modules/eks/aws",
            version=versions.EKS_MODULE,
            variables={
                "name": name,
                "kubernetes_version": kubernetes_version,
                # Extended support costs six times as much. With STANDARD, AWS upgrades the cluster.
                "upgrade_policy": {"support_type": "STANDARD"},
                "vpc_id": vpc_id,
                "subnet_ids": subnet_ids,
                "endpoint_public_access": True,
                "endpoint_public_access_cidrs": allowed_cidrs,
                "enable_cluster_creator_admin_permissions": True,
                "enable_irsa": True,
                "include_oidc_root_ca_thumbprint": False,
                # A key costs $1 a month. Without the null the module configures encryption anyway.
                "create_kms_key": False,
                "encryption_config": Token.null_value(),
                "enabled_log_types": [],
                "create_cloudwatch_log_group": False,
            },
        )
        cluster.override_logical_id("eks")
        partition = DataAwsPartition(self, "partition").partition
        if administrators:
            policy_arn = f"arn:{partition}:eks::aws:cluster-access-policy/{ADMINISTRATOR_POLICY}"
            entries = {key: _administrator(arn, policy_arn) for key, arn in administrators.items()}
            cluster.set("access_entries", entries)
        if permissions_boundary:
            cluster.set("iam_role_permissions_boundary", permissions_boundary)
        if web_cidrs:
            cluster.set("node_security_group_additional_rules", _web_rules(web_cidrs))
        self.cluster_name = cluster.get_string("cluster_name")
        self.endpoint = cluster.get_string("cluster_endpoint")
        self.certificate_authority_data = cluster.get_string("cluster_certificate_authority_data")
        self.oidc_provider_arn = cluster.get_string("oidc_provider_arn")
        self.node_security_group_id = cluster.get_string("node_security_group_id")
        template = NodeTemplate(
            self,
            "nodes",
            name=name,
            instance_type=node_instance_type,
            disk_gb=node_disk_gb,
            security_group_id=self.node_security_group_id,
            tags=tags,
            way_out=node_way_out,
        )
        node_subnet_ids = node_subnet_ids or subnet_ids
        # The module's inputs depend on its own outputs, here and at the add-ons. That is no cycle:
        # Terraform orders single resources, not modules.
        cluster.set(
            "eks_managed_node_groups",
            {
                "default": _node_group(
                    name=name,
                    # A single node is in the zone of the volumes, which it must attach.
                    subnet_ids=(
                        node_subnet_ids if node_count > 1 else [Fn.element(node_subnet_ids, 0)]
                    ),
                    count=node_count,
                    is_arm=sizing.is_arm(node_instance_type),
                    capacity_type=node_capacity_type,
                    template_id=template.id,
                    template_version=template.version,
                    pull_through=[f"arn:{partition}:{each}" for each in pull_through or []],
                    permissions_boundary=permissions_boundary,
                )
            },
        )
        ebs_csi_role = WorkloadRole(
            self,
            "ebs-csi-role",
            name=f"{name}-ebs-csi",
            oidc_provider_arn=self.oidc_provider_arn,
            permissions_boundary=permissions_boundary,
            service_accounts=["kube-system:ebs-csi-controller-sa"],
            policy_arns={
                # The module's attach_ebs_csi_policy is an older copy, without all permissions.
                "ebs_csi": f"arn:{partition}:iam::aws:policy/{EBS_CSI_POLICY}"
            },
        )
        cluster.set("addons", _addons(ebs_csi_role_arn=ebs_csi_role.arn))


def _can_upgrade_to(version: str) -> list[Postcondition]:
    """Return conditions on an existing cluster: EKS upgrades by one minor version at a time.

    Without them, Terraform plans a downgrade as an update in place, and the apply fails half-way.
    """
    minor = int(version.partition(".")[2])
    running = 'tonumber(split(".", self.version)[1])'
    cluster = "KUBERNETES_VERSION: is " + version + ", and the cluster runs ${self.version}. "
    return [
        Postcondition(
            condition=f"${{{running} <= {minor}}}",
            error_message=(
                f"{cluster}EKS cannot go back; set it to that version or the one after it in .env."
            ),
        ),
        Postcondition(
            condition=f"${{{running} >= {minor - 1}}}",
            error_message=(
                f"{cluster}EKS goes one minor version at a time; set it to the one after that in "
                ".env."
            ),
        ),
    ]


def _node_group(
    *,
    name: str,
    subnet_ids: list[str],
    count: int,
    is_arm: bool,
    capacity_type: str,
    template_id: str,
    template_version: str,
    pull_through: list[str],
    permissions_boundary: str | None,
) -> dict[str, object]:
    """Return the managed node group; its template has the instance type and the disk."""
    return {
        # The module ignores later changes of desired_size. With the count in the name, another
        # count is another group, created before the old one is deleted.
        "name": f"{name}-{count}",
        "iam_role_name": f"{name}-nodes",
        "subnet_ids": subnet_ids,
        # Another image type replaces the group: the new one first, for the module adds a suffix to
        # the name.
        "ami_type": "AL2023_ARM_64_STANDARD" if is_arm else "AL2023_x86_64_STANDARD",
        # With the latest release, every new AMI would replace the nodes.
        "use_latest_ami_release_version": False,
        "create_launch_template": False,
        "launch_template_id": template_id,
        "launch_template_version": template_version,
        "capacity_type": capacity_type,
        "min_size": count,
        "max_size": count,
        "desired_size": count,
        **({"iam_role_policy_statements": [_pull_through(pull_through)]} if pull_through else {}),
        **({"iam_role_permissions_boundary": permissions_boundary} if permissions_boundary else {}),
    }


def _pull_through(repositories: list[str]) -> dict[str, object]:
    """Return the statement that the nodes' policy for ECR, which only reads, lacks for a cache."""
    return {
        "sid": "PullThrough",
        "actions": ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"],
        "resources": repositories,
    }


def _administrator(principal_arn: str, policy_arn: str) -> dict[str, object]:
    """Return the access entry of an IAM user or role with cluster-admin rights."""
    return {
        "principal_arn": principal_arn,
        "policy_associations": {
            "admin": {"policy_arn": policy_arn, "access_scope": {"type": "cluster"}}
        },
    }


def _web_rules(cidrs: list[str]) -> dict[str, dict[str, object]]:
    """Return rules of the nodes' security group that let ``cidrs`` reach ports 80 and 443."""
    return {
        scheme: {
            "description": f"{scheme.upper()} to Traefik",
            "from_port": port,
            "to_port": port,
            "cidr_blocks": cidrs,
        }
        for scheme, port in (("http", 80), ("https", 443))
    }


def _addons(*, ebs_csi_role_arn: str) -> dict[str, dict[str, object]]:
    """Return the add-ons. Removing one deletes its workloads, except those of vpc-cni."""
    return {
        # Installed before the nodes, which are not Ready without it. Its DaemonSet is preserved to
        # the end: without it the nodes' network interfaces are not released, and block the deletion
        # of the subnets (terraform-aws-modules/terraform-aws-eks#2743).
        "vpc-cni": {
            "preserve": True,
            "before_compute": True,
            # NetworkPolicies are enforced only with this (docs/adr/0024-network-policies.md).
            "configuration_values": '{"enableNetworkPolicy":"true"}',
        },
        "kube-proxy": {"preserve": False},
        "coredns": {"preserve": False},
        "aws-ebs-csi-driver": {"preserve": False, "service_account_role_arn": ebs_csi_role_arn},
    }
