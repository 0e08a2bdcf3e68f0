"""NODE_SUBNETS=private: nodes without public addresses, and their way to the internet."""

import json

import pytest

from pricing.bill import bill
from pricing.report import total
from tests.helpers.modules import EKS, ENDPOINTS, FIREWALL, RDS, VPC, node_group
from tests.helpers.stack import Stack
from tests.helpers.synthesis import Stacks, SynthesizeStack, WithOptions
from tests.options.table import OPTIONS

PRIVATE = OPTIONS["private_nodes"]
BEHIND_INSTANCE = OPTIONS["private_nodes_nat_instance"]
BOUNDARY = OPTIONS["permissions_boundary"]


@pytest.fixture(scope="module")
def gateway(with_options: WithOptions) -> Stacks:
    return with_options("private_nodes")


@pytest.fixture(scope="module")
def instance(with_options: WithOptions) -> Stacks:
    return with_options("private_nodes_nat_instance")


def up(found: Stacks) -> float:
    items = bill({name: stack.json for name, stack in found.items()})
    assert all(each.up is not None for each in items)
    return total(items).up or 0


def test_nodes_alone_are_in_the_private_subnets(gateway: Stacks) -> None:
    """Control plane and database stay where they are, so that nothing with data moves."""
    network, deps = gateway["network"], gateway["deps"]
    assert node_group(network)["subnet_ids"] == "${module.vpc.private_subnets}"
    assert network.module(EKS)["subnet_ids"] == "${module.vpc.public_subnets}"
    assert network.outputs["database_subnet_ids"]["value"] == "${module.vpc.public_subnets}"
    assert deps.module(RDS)["subnet_ids"] == "${local.network_database_subnet_ids}"


def test_a_single_node_is_in_the_zone_of_the_volumes(synthesize_stack: SynthesizeStack) -> None:
    """The module gives the first private subnet the zone of the first public one."""
    network = synthesize_stack("network", **PRIVATE, **OPTIONS["single_node"])
    assert node_group(network)["subnet_ids"] == ["${element(module.vpc.private_subnets, 0)}"]


def test_s3_is_reached_without_nat(gateway: Stacks) -> None:
    endpoint = gateway["network"].module(ENDPOINTS)["endpoints"]["s3"]
    tables = "module.vpc.public_route_table_ids, module.vpc.private_route_table_ids"
    assert endpoint["route_table_ids"] == f"${{concat({tables})}}"


def test_one_gateway_and_no_route_of_the_module(gateway: Stacks, instance: Stacks) -> None:
    vpc = gateway["network"].module(VPC)
    assert (vpc["enable_nat_gateway"], vpc["single_nat_gateway"]) == (True, True)
    assert instance["network"].module(VPC)["enable_nat_gateway"] is False
    for found in (gateway, instance):
        assert found["network"].module(VPC)["create_private_nat_gateway_route"] is False


def targets(network: Stack) -> dict[str, str]:
    route = network.resource("aws_route", "private")
    return {key: route[key] for key in ("nat_gateway_id", "network_interface_id") if key in route}


def test_another_nat_is_another_target_of_the_same_route(gateway: Stacks, instance: Stacks) -> None:
    """Of two routes, one would be made before the other is deleted, which EC2 refuses."""
    assert targets(gateway["network"]) == {"nat_gateway_id": "${element(module.vpc.natgw_ids, 0)}"}
    assert targets(instance["network"]) == {
        "network_interface_id": "${aws_network_interface.nat.id}"
    }


@pytest.mark.parametrize("option", ["private_nodes", "private_nodes_nat_instance"])
def test_nodes_depend_on_their_way_out(with_options: WithOptions, option: str) -> None:
    """By their template: a destroy takes them before the route, and that before NAT."""
    network = with_options(option)["network"]
    assert network.resource("aws_launch_template", "nodes")["depends_on"] == ["aws_route.private"]
    assert "aws_launch_template.nodes" in json.dumps(node_group(network))
    after = network.resource("aws_route", "private")["depends_on"]
    nat = {"aws_autoscaling_group.nat"} if option.endswith("instance") else set()
    assert set(after) == {"module.vpc"} | nat


def test_database_is_closed_unless_it_is_opened(
    gateway: Stacks, synthesize_stack: SynthesizeStack
) -> None:
    deps = gateway["deps"]
    assert deps.module(RDS)["publicly_accessible"] is False
    assert "ingress_with_cidr_blocks" not in deps.module(FIREWALL)
    assert "how_to_reach_the_database" in deps.outputs
    opened = synthesize_stack("deps", **PRIVATE, DATABASE_ALLOWED_CIDRS="203.0.113.7/32")
    assert opened.module(RDS)["publicly_accessible"] is True
    (rule,) = opened.module(FIREWALL)["ingress_with_cidr_blocks"]
    assert rule["cidr_blocks"] == "203.0.113.7/32"


def test_boundary_is_on_the_instance_s_role(
    instance: Stacks, synthesize_stack: SynthesizeStack
) -> None:
    bounded = synthesize_stack("network", **BEHIND_INSTANCE, **BOUNDARY)
    role = bounded.resource("aws_iam_role", "nat")
    assert role["permissions_boundary"] == BOUNDARY["IAM_PERMISSIONS_BOUNDARY"]
    assert "permissions_boundary" not in instance["network"].resource("aws_iam_role", "nat")


def test_names_are_those_that_the_policies_cover(instance: Stacks) -> None:
    """Roles and instance profiles begin with NAME and a hyphen; the group has the tag."""
    network = instance["network"]
    assert network.resource("aws_iam_role", "nat")["name"] == "langfuse-nat"
    assert network.resource("aws_iam_instance_profile", "nat")["name"] == "langfuse-nat"
    tags = network.resource("aws_autoscaling_group", "nat")["tag"]
    assert {"key": "Project", "propagate_at_launch": False, "value": "langfuse"} in tags


def test_remote_runs_get_the_second_policy(synthesize_stack: SynthesizeStack) -> None:
    stack = synthesize_stack("workspaces", **PRIVATE, **OPTIONS["remote_runs"])
    policy = stack.resource("aws_iam_policy", "private_nodes")
    assert policy["name"] == "langfuse-terraform-cloud-runs-private-nodes"
    assert "ec2:ReplaceRoute" in policy["policy"]
    attached = stack.resource("aws_iam_role_policy_attachment", "private_nodes")
    assert attached["policy_arn"] == "${aws_iam_policy.private_nodes.arn}"


def test_price_of_a_gateway(gateway: Stacks, with_options: WithOptions) -> None:
    """A gateway and its address, less the addresses of two nodes."""
    closed = up(with_options("closed_database"))
    assert up(gateway) - closed == pytest.approx(32.85 + 3.65 - 7.30)


def test_price_of_an_instance(instance: Stacks, with_options: WithOptions) -> None:
    """A t4g.nano, its disk and its address, less the addresses of two nodes: cents."""
    closed = up(with_options("closed_database"))
    assert up(instance) - closed == pytest.approx(3.066 + 0.64 + 3.65 - 7.30)
    items = bill({"network": instance["network"].json})
    # In mode "unlimited": two vCPUs at full load, all month.
    assert "CPU credits, at most 55.48" in [each.what for each in items]
