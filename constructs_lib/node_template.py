"""The EC2 launch template of the nodes."""

import re
from collections.abc import Mapping

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.launch_template import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateCreditSpecification,
    LaunchTemplateMetadataOptions,
    LaunchTemplateTagSpecifications,
)
from constructs import Construct

# Resources that EC2 creates from the template, and that get the tags of the installation.
TAGGED = ("instance", "volume", "network-interface")


class NodeTemplate(Construct):
    """A launch template with an instance type, which the EKS module's own template lacks.

    Without the type the AWS provider drops ``credit_specification`` silently
    (hashicorp/terraform-provider-aws#30674). T instances then run in EC2's default mode,
    "unlimited", at up to $58 per node and month.
    """

    id: str
    """Id of the launch template."""
    version: str
    """Its latest version."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        instance_type: str,
        disk_gb: int,
        security_group_id: str,
        tags: Mapping[str, str],
        way_out: str | None = None,
    ) -> None:
        """Create the template.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of the template's name and of the nodes' tag ``Name``.
            instance_type: EC2 type of the nodes.
            disk_gb: size of the root volume, in GiB.
            security_group_id: security group of the nodes.
            tags: tags of instances, volumes and network interfaces.
            way_out: Terraform address of what the nodes need to reach the internet: made before
                them, deleted after them. None if nothing but the subnets is needed.

        """
        super().__init__(scope, id_)
        # The digit excludes other families that begin with t, such as trn1.
        is_burstable = bool(re.match(r"t\d", instance_type))
        template = LaunchTemplate(
            self,
            "template",
            name_prefix=f"{name}-nodes-",
            instance_type=instance_type,
            # EC2 rejects it for types without CPU credits.
            credit_specification=(
                LaunchTemplateCreditSpecification(cpu_credits="standard") if is_burstable else None
            ),
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(
                    device_name="/dev/xvda",
                    ebs=LaunchTemplateBlockDeviceMappingsEbs(
                        volume_size=disk_gb,
                        volume_type="gp3",
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            # IMDSv2 only. The hop limit makes it unreachable for pods, which have their own roles.
            metadata_options=LaunchTemplateMetadataOptions(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            vpc_security_group_ids=[security_group_id],
            tag_specifications=[
                LaunchTemplateTagSpecifications(
                    resource_type=kind, tags={**tags, "Name": f"{name}-node"}
                )
                for kind in TAGGED
            ],
            update_default_version=True,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        template.override_logical_id("nodes")
        if way_out:
            # The node group depends on its template, and so on this as well.
            template.add_override("depends_on", [way_out])
        self.id = template.id
        self.version = template.get_string_attribute("latest_version")
