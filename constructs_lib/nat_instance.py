"""A NAT instance that is replaced when it fails, and every week by one of the newest image."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cdktf import TerraformHclModule, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.autoscaling_group import (
    AutoscalingGroup,
    AutoscalingGroupLaunchTemplate,
    AutoscalingGroupTag,
)
from cdktf_cdktf_provider_aws.iam_instance_profile import IamInstanceProfile
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.launch_template import (
    LaunchTemplate,
    LaunchTemplateBlockDeviceMappings,
    LaunchTemplateBlockDeviceMappingsEbs,
    LaunchTemplateCreditSpecification,
    LaunchTemplateIamInstanceProfile,
    LaunchTemplateMetadataOptions,
    LaunchTemplateNetworkInterfaces,
    LaunchTemplateTagSpecifications,
)
from cdktf_cdktf_provider_aws.network_interface import NetworkInterface
from constructs import Construct

import versions
from constructs_lib.node_template import TAGGED
from sizing import NAT_INSTANCE_TYPE

# AWS's own parameter. EC2 Auto Scaling reads it at each launch, so that a newer image is no
# difference in a plan, and reaches the instance when that is replaced.
IMAGE: Final = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
# Snapshot of that image, in GiB: a root volume cannot be smaller.
DISK_GB: Final = 8
# Seconds, a week: how old the updates of a running instance may be, besides AWS's own delay.
LIFETIME: Final = 7 * 24 * 60 * 60

SCRIPT: Final = Path(__file__).with_name("nat_instance.sh")
SCRIPT_PATH: Final = "/usr/local/sbin/nat-instance"
UNIT_NAME: Final = "nat-instance.service"
# A script that fails, or does not end, powers the instance off, and the group replaces it.
UNIT: Final = f"""\
[Unit]
Description=NAT instance
Wants=network-online.target
After=network-online.target
FailureAction=poweroff

[Service]
Type=oneshot
RemainAfterExit=yes
TimeoutStartSec=10min
ExecStart={SCRIPT_PATH}

[Install]
WantedBy=multi-user.target
"""


class NatInstance(Construct):
    """One small instance in an Auto Scaling group, and the network interface that leads to it.

    The interface outlives the instance, so that no route changes. The instance attaches it itself,
    and has a public address on its own interface: a second one would cost $3.65 a month.
    """

    interface_id: str
    """The network interface that a route leads to."""
    address: str
    """Terraform address of the group, for resources that depend on a running instance."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        vpc_id: str,
        subnet_id: str,
        client_cidrs: list[str],
        tags: Mapping[str, str],
        after: list[str],
        permissions_boundary: str | None = None,
    ) -> None:
        """Create the interface, the group, and the role of the instance.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of everything here, at most 64 characters.
            vpc_id: the VPC.
            subnet_id: a public subnet.
            client_cidrs: IPv4 CIDRs of the private subnets.
            tags: tags of the group, the instance, its volume and its own interface.
            after: Terraform addresses of what the instance itself reaches the internet by: made
                before it, deleted after it.
            permissions_boundary: ARN of the policy that bounds the role; None for none.

        """
        super().__init__(scope, id_)
        group_id = self._firewall(name, vpc_id, client_cidrs)
        interface = NetworkInterface(
            self,
            "interface",
            subnet_id=subnet_id,
            security_groups=[group_id],
            description="Where the route of the private subnets leads to",
            # What it forwards has other addresses than its own.
            source_dest_check=False,
            tags={"Name": name},
        )
        interface.override_logical_id("nat")
        profile, policy = self._role(name, permissions_boundary)
        template = LaunchTemplate(
            self,
            "template",
            name_prefix=f"{name}-",
            image_id=f"resolve:ssm:{IMAGE}",
            instance_type=NAT_INSTANCE_TYPE,
            # In mode "standard" a T4g starts without credits, with a twentieth of its processors.
            credit_specification=LaunchTemplateCreditSpecification(cpu_credits="unlimited"),
            iam_instance_profile=LaunchTemplateIamInstanceProfile(name=profile.name),
            block_device_mappings=[
                LaunchTemplateBlockDeviceMappings(
                    device_name="/dev/xvda",
                    ebs=LaunchTemplateBlockDeviceMappingsEbs(
                        volume_size=DISK_GB,
                        volume_type="gp3",
                        encrypted="true",
                        delete_on_termination="true",
                    ),
                )
            ],
            # IMDSv2 only; the script reads the tag Interface there.
            metadata_options=LaunchTemplateMetadataOptions(
                http_endpoint="enabled",
                http_tokens="required",
                http_put_response_hop_limit=1,
                instance_metadata_tags="enabled",
            ),
            network_interfaces=[
                LaunchTemplateNetworkInterfaces(
                    device_index=0,
                    associate_public_ip_address="true",
                    security_groups=[group_id],
                    delete_on_termination="true",
                )
            ],
            tag_specifications=[
                LaunchTemplateTagSpecifications(
                    resource_type=kind,
                    tags={
                        **tags,
                        "Name": name,
                        **({"Interface": interface.id} if kind == "instance" else {}),
                    },
                )
                for kind in TAGGED
            ],
            user_data=base64.b64encode(user_data(client_cidrs).encode()).decode(),
            update_default_version=True,
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        template.override_logical_id("nat")
        group = AutoscalingGroup(
            self,
            "group",
            name=name,
            min_size=1,
            max_size=1,
            desired_capacity=1,
            vpc_zone_identifier=[subnet_id],
            health_check_type="EC2",
            max_instance_lifetime=LIFETIME,
            launch_template=AutoscalingGroupLaunchTemplate(
                id=template.id, version=template.get_string_attribute("latest_version")
            ),
            # The provider's default tags are not for groups.
            tag=[
                AutoscalingGroupTag(key=key, value=value, propagate_at_launch=False)
                for key, value in {**tags, "Name": name}.items()
            ],
        )
        group.override_logical_id("nat")
        # An instance that boots without internet, or without its permissions, fails.
        permissions = f"{policy.terraform_resource_type}.{policy.friendly_unique_id}"
        group.add_override("depends_on", [permissions, *after])
        self.interface_id = interface.id
        self.address = "aws_autoscaling_group.nat"

    def _firewall(self, name: str, vpc_id: str, client_cidrs: list[str]) -> str:
        """Create the security group of both interfaces and return its id; nobody else gets in."""
        return TerraformHclModule(
            self,
            "firewall",
            source="terraform-aws-modules/security-group/aws",
            version=versions.SECURITY_GROUP_MODULE,
            variables={
                "name": name,
                "description": "NAT instance of the private subnets",
                "vpc_id": vpc_id,
                "ingress_with_cidr_blocks": [
                    {
                        "rule": "all-all",
                        "description": "Private subnets",
                        "cidr_blocks": ",".join(client_cidrs),
                    }
                ],
                "egress_rules": ["all-all"],
            },
        ).get_string("security_group_id")

    def _role(self, name: str, boundary: str | None) -> tuple[IamInstanceProfile, IamRolePolicy]:
        """Create a role that may attach the interface, and open the instance's own to answers."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "ec2.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        role = IamRole(
            self,
            "role",
            name=name,
            assume_role_policy=json.dumps(trust),
            permissions_boundary=boundary,
        )
        role.override_logical_id("nat")
        permissions = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["ec2:AttachNetworkInterface", "ec2:ModifyNetworkInterfaceAttribute"],
                    "Resource": "*",
                    "Condition": {"StringEquals": {"aws:ResourceTag/Name": name}},
                }
            ],
        }
        policy = IamRolePolicy(
            self, "policy", name="attach", role=role.name, policy=json.dumps(permissions)
        )
        policy.override_logical_id("nat")
        profile = IamInstanceProfile(self, "profile", name=name, role=role.name)
        profile.override_logical_id("nat")
        return profile, policy


def user_data(client_cidrs: list[str]) -> str:
    """Return the cloud-config of the instance.

    Args:
        client_cidrs: IPv4 CIDRs of the private subnets.

    """
    files = {
        SCRIPT_PATH: (SCRIPT.read_text(encoding="utf-8"), "0755"),
        "/etc/nat-instance.nft": (_rules(client_cidrs), "0644"),
        f"/etc/systemd/system/{UNIT_NAME}": (UNIT, "0644"),
    }
    config = {
        # dnf needs more than the half gigabyte of memory.
        "swap": {"filename": "/swapfile", "size": 2**30},
        "packages": ["nftables"],
        "write_files": [
            {"path": path, "content": content, "permissions": permissions}
            for path, (content, permissions) in files.items()
        ],
        "runcmd": [["systemctl", "daemon-reload"], ["systemctl", "enable", "--now", UNIT_NAME]],
    }
    return f"#cloud-config\n{json.dumps(config, indent=1)}\n"


def _rules(client_cidrs: list[str]) -> str:
    """Return rules of nftables, which replace those of an earlier boot."""
    return f"""\
table ip nat_instance
delete table ip nat_instance
table ip nat_instance {{
  chain postrouting {{
    type nat hook postrouting priority srcnat;
    ip saddr {{ {", ".join(client_cidrs)} }} masquerade
  }}
}}
"""
