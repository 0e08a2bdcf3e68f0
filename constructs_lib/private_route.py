"""The way of private subnets to the internet."""

from cdktf_cdktf_provider_aws.route import Route
from constructs import Construct


class PrivateRoute(Construct):
    """The default route of a private route table.

    The VPC module could make it for a NAT gateway. As one resource for any target, another target
    is a call of ReplaceRoute, where two resources would be a deletion and a creation in any order,
    and EC2 refuses a second default route.
    """

    address: str
    """Terraform address, for resources that depend on the way out."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        route_table_id: str,
        after: list[str],
        nat_gateway_id: str | None = None,
        network_interface_id: str | None = None,
    ) -> None:
        """Create the route.

        Args:
            scope: parent construct.
            id_: construct id.
            route_table_id: route table of the private subnets.
            after: Terraform addresses of what the way consists of besides the target: made before
                the route, deleted after it.
            nat_gateway_id: NAT gateway that it leads to, or else
            network_interface_id: the network interface.

        """
        super().__init__(scope, id_)
        route = Route(
            self,
            "route",
            route_table_id=route_table_id,
            destination_cidr_block="0.0.0.0/0",
            nat_gateway_id=nat_gateway_id,
            network_interface_id=network_interface_id,
        )
        route.override_logical_id("private")
        route.add_override("depends_on", after)
        self.address = "aws_route.private"
