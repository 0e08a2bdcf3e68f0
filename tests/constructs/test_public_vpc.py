"""PublicVpc: two public subnets, and private ones if asked for."""

import re
from typing import Any

import pytest

from constructs_lib.public_vpc import PublicVpc, private_subnets, public_subnets
from tests.helpers.bare_stack import BareStack
from tests.helpers.modules import ENDPOINTS, VPC
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def network(bare_stack: BareStack) -> Stack:
    return bare_stack(
        lambda stack: PublicVpc(stack, "network", name="langfuse", cidr="10.0.0.0/16")
    )


@pytest.fixture(scope="module")
def vpc(network: Stack) -> dict[str, Any]:
    return network.module(VPC)


def test_fr01_two_public_subnets_in_two_zones(network: Stack, vpc: dict[str, Any]) -> None:
    assert vpc["cidr"] == "10.0.0.0/16"
    assert vpc["public_subnets"] == ["10.0.0.0/20", "10.0.16.0/20"]
    assert vpc["map_public_ip_on_launch"] is True
    zones = re.fullmatch(
        r"\$\{slice\((data\.aws_availability_zones\.\w+\.names), 0, 2\)\}", vpc["azs"]
    )
    assert zones
    # Where a single node, in the first subnet, finds the volumes.
    assert network.outputs["zone"]["value"] == f"${{element({zones[1]}, 0)}}"


def test_fr01_zones_without_eks_are_left_out(network: Stack) -> None:
    zones = network.data("aws_availability_zones")
    assert "use1-az3" in zones["exclude_zone_ids"]
    assert zones["filter"] == [{"name": "opt-in-status", "values": ["opt-in-not-required"]}]


@pytest.mark.parametrize(
    ("cidr", "subnets"),
    [
        ("10.0.0.0/23", ["10.0.0.0/24", "10.0.1.0/24"]),
        ("10.0.0.0/20", ["10.0.0.0/21", "10.0.8.0/21"]),
        ("172.16.0.0/17", ["172.16.0.0/20", "172.16.16.0/20"]),
    ],
)
def test_fr01_subnets_fit_the_vpc(cidr: str, subnets: list[str]) -> None:
    assert public_subnets(cidr) == subnets


@pytest.mark.parametrize(
    ("cidr", "subnets"),
    [
        ("10.0.0.0/16", ["10.0.32.0/20", "10.0.48.0/20"]),
        ("10.0.64.0/18", ["10.0.96.0/20", "10.0.112.0/20"]),
        # The public ones are all there is.
        ("10.0.0.0/19", []),
    ],
)
def test_private_subnets_are_behind_the_public_ones(cidr: str, subnets: list[str]) -> None:
    assert private_subnets(cidr) == subnets


@pytest.mark.parametrize("nat_gateway", [False, True])
def test_private_subnets_share_a_route_table_without_a_route(
    bare_stack: BareStack, *, nat_gateway: bool
) -> None:
    """Without ``single_nat_gateway`` the module makes a table for each subnet."""
    stack = bare_stack(
        lambda scope: PublicVpc(
            scope, "n", name="a", cidr="10.0.0.0/18", private=True, nat_gateway=nat_gateway
        )
    )
    vpc = stack.module(VPC)
    assert vpc["private_subnets"] == ["10.0.32.0/20", "10.0.48.0/20"]
    assert vpc["single_nat_gateway"] is True
    assert vpc["create_private_nat_gateway_route"] is False
    assert vpc["enable_nat_gateway"] is nat_gateway
    table = stack.outputs["private_route_table_id"]["value"]
    assert table == "${element(module.vpc.private_route_table_ids, 0)}"


def test_fr01_vpc_defaults_are_left_alone(vpc: dict[str, Any]) -> None:
    for thing in ("security_group", "network_acl", "route_table"):
        assert vpc[f"manage_default_{thing}"] is False


def test_nfr07_no_nat_gateway_and_free_s3(network: Stack, vpc: dict[str, Any]) -> None:
    assert vpc["enable_nat_gateway"] is False
    endpoint = network.module(ENDPOINTS)["endpoints"]["s3"]
    assert (endpoint["service"], endpoint["service_type"]) == ("s3", "Gateway")
    assert endpoint["route_table_ids"] == "${module.vpc.public_route_table_ids}"
