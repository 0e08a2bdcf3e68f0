"""An EKS cluster with one managed node group."""

from collections.abc import Mapping

from cdktf import Fn, Postcondition, TerraformHclModule, Token
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from constructs import Construct

import versions
from constructs_lib.checkpoint import Checkpoint
from constructs_lib.eks_inputs import addons, administrator, node_group, web_rules
from constructs_lib.existing_cluster import ExistingCluster
from constructs_lib.node_template import NodeTemplate
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
    ) -> None:
        """Make the cluster; ``node_disk_gb`` is in GiB, ``tags`` are the nodes' and their volumes'.

        With ``web_cidrs``, these may reach ports 80 and 443 of the nodes.
        ``name`` has at most 20 characters, because IAM limits the names that are made from it.
        Without ``administrators``, ARNs by a key of your choice, its creator is the only one; the
        creator's own key is ``CREATOR``.
        """
        super().__init__(scope, id_)
        Checkpoint(self, "checkpoint", after=subnet_ids)
        ExistingCluster(self, "existing", name=name, conditions=_can_become(kubernetes_version))
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
            },
        )
        cluster.override_logical_id("eks")
        partition = DataAwsPartition(self, "partition").partition
        if administrators:
            policy_arn = f"arn:{partition}:eks::aws:cluster-access-policy/{ADMINISTRATOR_POLICY}"
            entries = {key: administrator(arn, policy_arn) for key, arn in administrators.items()}
            cluster.set("access_entries", entries)
        if web_cidrs:
            cluster.set("node_security_group_additional_rules", web_rules(web_cidrs))
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
        )
        # No cycle, here and with the add-ons: Terraform orders the resources inside modules.
        cluster.set(
            "eks_managed_node_groups",
            {
                "default": node_group(
                    name=name,
                    # The subnet of the volumes' zone: a single node must be able to attach them.
                    subnet_ids=subnet_ids if node_count > 1 else [Fn.element(subnet_ids, 0)],
                    count=node_count,
                    capacity_type=node_capacity_type,
                    template_id=template.id,
                    template_version=template.version,
                )
            },
        )
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
        cluster.set("addons", addons(ebs_csi_role_arn=ebs_csi_role.arn))


def _can_become(version: str) -> list[Postcondition]:
    """Return what an existing cluster must fulfil: EKS goes one minor version up, and never down.

    Without it, Terraform plans a downgrade as an update in place, and the apply fails half-way.
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
