"""A VPC with public subnets, and private ones for nodes that are to have no public address."""

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
    """Two public subnets in two zones, and a (free) gateway endpoint for S3.

    If asked for, two private subnets in the same zones. Their route to the internet is not made
    here: see ``PrivateRoute``.
    """

    vpc_id: str
    public_subnet_ids: list[str]
    """Two subnets, in different zones."""
    zone: str
    """Name of the zone of the first subnet, public or private."""
    address: str
    """Terraform address, for resources that depend on the whole network."""
    private_subnet_ids: list[str]
    """Two subnets, in the zones of the public ones; empty if not asked for."""
    private_route_table_id: str
    """The route table of both; empty if there are none."""
    nat_gateway_id: str
    """The NAT gateway, in the first public subnet; empty if not asked for."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        cidr: str,
        private: bool = False,
        nat_gateway: bool = False,
    ) -> None:
        """Create the VPC.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the VPC.
            cidr: IPv4 CIDR of the VPC, from /16 to /23; to /18 with private subnets.
            private: whether to make private subnets.
            nat_gateway: whether to make a NAT gateway for them.

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
                "enable_nat_gateway": nat_gateway,
                "public_subnet_tags": {"kubernetes.io/role/elb": "1"},
                # The VPC's default group, ACL and route table are unused and stay unmanaged.
                "manage_default_security_group": False,
                "manage_default_network_acl": False,
                "manage_default_route_table": False,
                **(_private(cidr) if private else {}),
            },
        )
        vpc.override_logical_id("vpc")
        self.address = "module.vpc"
        self.vpc_id = vpc.get_string("vpc_id")
        self.zone = Token.as_string(Fn.element(zones.names, 0))
        self.public_subnet_ids = vpc.get_list("public_subnets")
        self.private_subnet_ids = vpc.get_list("private_subnets") if private else []
        tables, self.private_route_table_id = vpc.get_list("public_route_table_ids"), ""
        if private:
            own = vpc.get_list("private_route_table_ids")
            self.private_route_table_id = Token.as_string(Fn.element(own, 0))
            tables = Token.as_list(Fn.concat([tables, own]))
        self.nat_gateway_id = (
            Token.as_string(Fn.element(vpc.get_list("natgw_ids"), 0)) if nat_gateway else ""
        )
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
                        "route_table_ids": tables,
                        "tags": {"Name": f"{name}-s3"},
                    }
                },
            },
        )


def _private(cidr: str) -> dict[str, object]:
    """Return the inputs for private subnets with one route table, which has no route yet."""
    return {
        "private_subnets": private_subnets(cidr),
        "single_nat_gateway": True,
        "create_private_nat_gateway_route": False,
    }


def public_subnets(cidr: str) -> list[str]:
    """Return the CIDR of each public subnet, from the start of ``cidr``.

    A /16 gives two /20 and leaves space for more subnets; a /19 or smaller network is halved.
    """
    return _subnets(cidr)[:ZONES]


def private_subnets(cidr: str) -> list[str]:
    """Return the CIDR of each private subnet, behind the public ones; ``cidr`` is a /18 or more."""
    return _subnets(cidr)[ZONES : 2 * ZONES]


def _subnets(cidr: str) -> list[str]:
    network = IPv4Network(cidr)
    subnets = network.subnets(new_prefix=max(SUBNET_PREFIX, network.prefixlen + 1))
    return [str(each) for each in subnets]
