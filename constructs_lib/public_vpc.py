"""A VPC with public subnets only."""

from ipaddress import IPv4Network
from typing import Final

from cdktf import Fn, TerraformHclModule, Token
from cdktf_cdktf_provider_aws.data_aws_availability_zones import (
    DataAwsAvailabilityZones,
    DataAwsAvailabilityZonesFilter,
)
from constructs import Construct

import versions
from zones import OPT_IN_STATUS, ZONES, ZONES_WITHOUT_EKS

# Prefix of the largest subnet: a /20 has 4091 usable addresses, more than enough.
SUBNET_PREFIX: Final = 20


class PublicVpc(Construct):
    """Two public subnets in two zones, no NAT gateway, and a (free) gateway endpoint for S3."""

    vpc_id: str
    public_subnet_ids: list[str]
    """Two subnets, in different zones."""
    zone: str
    """Name of the zone of the first subnet."""

    def __init__(self, scope: Construct, id_: str, *, name: str, cidr: str) -> None:
        """Create the VPC.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the VPC.
            cidr: IPv4 CIDR of the VPC, from /16 to /23.

        """
        super().__init__(scope, id_)
        # No filter by state: an impaired zone would leave the list, and a subnet would be replaced.
        zones = DataAwsAvailabilityZones(
            self,
            "zones",
            exclude_zone_ids=ZONES_WITHOUT_EKS,
            filter=[DataAwsAvailabilityZonesFilter(name="opt-in-status", values=[OPT_IN_STATUS])],
        )
        vpc = TerraformHclModule(
            self,
            "vpc",
            source="terraform-aws-modules/vpc/aws",
            version=versions.VPC_MODULE,
            variables={
                "name": name,
                "cidr": cidr,
                "azs": Token.as_list(Fn.slice(zones.names, 0, ZONES)),
                "public_subnets": public_subnets(cidr),
                "map_public_ip_on_launch": True,
                "enable_nat_gateway": False,
                "public_subnet_tags": {"kubernetes.io/role/elb": "1"},
                # The VPC's default group, ACL and route table are unused and stay unmanaged.
                "manage_default_security_group": False,
                "manage_default_network_acl": False,
                "manage_default_route_table": False,
            },
        )
        vpc.override_logical_id("vpc")
        self.vpc_id = vpc.get_string("vpc_id")
        self.zone = Token.as_string(Fn.element(zones.names, 0))
        self.public_subnet_ids = vpc.get_list("public_subnets")
        TerraformHclModule(
            self,
            "endpoints",
            source="terraform-aws-modules/vpc/aws//modules/vpc-endpoints",
            version=versions.VPC_MODULE,
            variables={
                "vpc_id": self.vpc_id,
                "endpoints": {
                    "s3": {
                        "service": "s3",
                        "service_type": "Gateway",
                        "route_table_ids": vpc.get_list("public_route_table_ids"),
                        "tags": {"Name": f"{name}-s3"},
                    }
                },
            },
        )


def public_subnets(cidr: str) -> list[str]:
    """Return the CIDR of each public subnet, from the start of ``cidr``.

    A /16 gives two /20 and leaves space for more subnets; a /19 or smaller network is halved.
    """
    network = IPv4Network(cidr)
    subnets = network.subnets(new_prefix=max(SUBNET_PREFIX, network.prefixlen + 1))
    return [str(next(subnets)) for _ in range(ZONES)]
