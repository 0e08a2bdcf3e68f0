"""An EKS cluster with one managed node group."""

from collections.abc import Mapping

from cdktf import Fn, TerraformHclModule, Token
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct

import versions
from constructs_lib.checkpoint import Checkpoint
from constructs_lib.workload_role import WorkloadRole

# Not below service-role/, unlike its predecessor: AWS knows no such policy there.
EBS_CSI_POLICY = "AmazonEBSCSIDriverPolicyV2"

ADMINISTRATOR_POLICY = "AmazonEKSClusterAdminPolicy"

# What the module calls the access entry of whoever runs Terraform.
CREATOR = "cluster_creator"


class EksCluster(Construct):
    """A public cluster without the extras that cost: no KMS key, no control-plane logs."""

    cluster_name: str
    endpoint: str
    certificate_authority_data: str
    oidc_provider_arn: str
    node_security_group_id: str

    def __init__(  # noqa: PLR0913 - one argument for each thing one chooses about a cluster
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
        administrators: Mapping[str, str] | None = None,
        web_cidrs: list[str] | None = None,
    ) -> None:
        """Make the cluster; ``node_disk_gb`` is in GiB.

        With ``web_cidrs``, these may reach ports 80 and 443 of the nodes.
        ``name`` has at most 20 characters, because IAM limits the names that are made from it.
        Without ``administrators``, ARNs by a key of your choice, its creator is the only one; the
        creator's own key is ``CREATOR``.
        """
        super().__init__(scope, id_)
        Checkpoint(self, "checkpoint", after=subnet_ids)
        cluster = TerraformHclModule(
            self,
            "eks",
            source="terraform-aws-modules/eks/aws",
            version=versions.EKS_MODULE,
            variables={
                "name": name,
                "kubernetes_version": kubernetes_version,
                # Extended support costs six times as much: AWS upgrades instead.
                "upgrade_policy": {"support_type": "STANDARD"},
                "vpc_id": vpc_id,
                "subnet_ids": subnet_ids,
                "endpoint_public_access": True,
                "endpoint_public_access_cidrs": allowed_cidrs,
                "enable_cluster_creator_admin_permissions": True,
                "enable_irsa": True,
                "include_oidc_root_ca_thumbprint": False,
                # A key costs $1 a month. The null keeps the module from asking for one anyway.
                "create_kms_key": False,
                "encryption_config": Token.null_value(),
                "enabled_log_types": [],
                "create_cloudwatch_log_group": False,
                "eks_managed_node_groups": {
                    "default": _node_group(
                        name=name,
                        # Volumes belong to a zone: a single node must come back in the same one.
                        subnet_ids=subnet_ids if node_count > 1 else [Fn.element(subnet_ids, 0)],
                        instance_type=node_instance_type,
                        count=node_count,
                        capacity_type=node_capacity_type,
                        disk_gb=node_disk_gb,
                    )
                },
            },
        )
        cluster.override_logical_id("eks")
        partition = DataAwsPartition(self, "partition").partition
        if administrators:
            policy_arn = f"arn:{partition}:eks::aws:cluster-access-policy/{ADMINISTRATOR_POLICY}"
            entries = {key: _administrator(arn, policy_arn) for key, arn in administrators.items()}
            cluster.set("access_entries", entries)
        if web_cidrs:
            cluster.set("node_security_group_additional_rules", _web_rules(web_cidrs))
        self.cluster_name = cluster.get_string("cluster_name")
        self.endpoint = cluster.get_string("cluster_endpoint")
        self.certificate_authority_data = cluster.get_string("cluster_certificate_authority_data")
        self.oidc_provider_arn = cluster.get_string("oidc_provider_arn")
        self.node_security_group_id = cluster.get_string("node_security_group_id")
        ebs_csi_role = WorkloadRole(
            self,
            "ebs-csi-role",
            name=f"{name}-ebs-csi",
            oidc_provider_arn=self.oidc_provider_arn,
            service_account="kube-system:ebs-csi-controller-sa",
            policy_arns={
                # The module's own attach_ebs_csi_policy is an older copy that lacks permissions.
                "ebs_csi": f"arn:{partition}:iam::aws:policy/{EBS_CSI_POLICY}"
            },
        )
        # No cycle: Terraform orders the resources inside modules, not the modules.
        cluster.set("addons", _addons(ebs_csi_role_arn=ebs_csi_role.arn))


def _node_group(  # noqa: PLR0913 - what a group is made of
    *,
    name: str,
    subnet_ids: list[str],
    instance_type: str,
    count: int,
    capacity_type: str,
    disk_gb: int,
) -> dict[str, object]:
    return {
        # The module ignores later changes of desired_size. With the count in its name, a new count
        # is a new group, made before the old one goes.
        "name": f"{name}-{count}",
        "iam_role_name": f"{name}-nodes",
        "subnet_ids": subnet_ids,
        "ami_type": "AL2023_x86_64_STANDARD",
        # Otherwise every new image would be a change, and a roll of the nodes.
        "use_latest_ami_release_version": False,
        "instance_types": [instance_type],
        "capacity_type": capacity_type,
        "min_size": count,
        "max_size": count,
        "desired_size": count,
        # disk_size is ignored with the module's launch template.
        "block_device_mappings": {
            "root": {
                "device_name": "/dev/xvda",
                "ebs": {
                    "volume_size": disk_gb,
                    "volume_type": "gp3",
                    "encrypted": True,
                    "delete_on_termination": True,
                },
            }
        },
        # "unlimited", the default of T instances, can bill up to $58 per node and month.
        "credit_specification": {"cpu_credits": "standard"},
    }


def _administrator(principal_arn: str, policy_arn: str) -> dict[str, object]:
    return {
        "principal_arn": principal_arn,
        "policy_associations": {
            "admin": {"policy_arn": policy_arn, "access_scope": {"type": "cluster"}}
        },
    }


def _web_rules(cidrs: list[str]) -> dict[str, dict[str, object]]:
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
    return {
        # Before the nodes, which are not ready without it.
        "vpc-cni": {"preserve": False, "before_compute": True},
        "kube-proxy": {"preserve": False},
        "coredns": {"preserve": False},
        "aws-ebs-csi-driver": {"preserve": False, "service_account_role_arn": ebs_csi_role_arn},
    }
