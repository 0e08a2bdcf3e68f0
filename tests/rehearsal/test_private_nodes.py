"""Private nodes: the way there and back of a running installation, and its destroy.

Order is that of Terraform's own lines: what it says to have ended before it says to begin the next.
"""

import json
import re
from fnmatch import fnmatch

import pytest

from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import Environment
from tests.rehearsal.order import assert_no_data_moved, changed, in_order
from tests.rehearsal.stand_ins.cluster_objects import T3_MEDIUM, ZONES
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.stand_ins.namespaces import NAT, OWN, Namespaces, lacking
from tests.rehearsal.test_app import assert_placement, items, wait_for_all_pods
from tests.rehearsal.test_resize import node_groups, replace_nodes
from tests.rehearsal.ways_out import (
    default_route,
    files_of_nat_instance,
    nat_instance,
    subnets_of_nodes,
)

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True
LONGEST = True

NODE_GROUP = 'module.eks_managed_node_group["default"].aws_eks_node_group.this[0]'
GATEWAY = "module.vpc.aws_nat_gateway.this[0]"
ROUTE = "aws_route.private"
INSTANCE = "aws_autoscaling_group.nat"


def volumes(plane: ControlPlane) -> list[str]:
    """Return the volumes of the pods' claims."""
    return sorted(claim["spec"]["volumeName"] for claim in items(plane, "pvc"))


def move_pods(plane: ControlPlane) -> None:
    """Have new nodes take the place of all others, and check that the pods follow, with their data.

    As EKS does it once the nodes of the new group are ready.
    """
    before = volumes(plane)
    assert before
    replace_nodes(plane, plane.add_nodes(2, T3_MEDIUM, zones=ZONES))
    assert_placement(wait_for_all_pods(plane))
    assert volumes(plane) == before


def test_public_nodes_run(environment: Environment) -> None:
    """By default the nodes are in subnets that give them public addresses, and there is no NAT."""
    environment.installation.deploy("network")
    environment.installation.deploy("deps")
    assert all(each["MapPublicIpOnLaunch"] for each in subnets_of_nodes(environment))
    assert not [name for name in environment.left_over() if "nat-gateway" in name]


def test_langfuse_runs(environment: Environment, plane: ControlPlane) -> None:
    """Langfuse's pods are ready, with their volumes."""
    environment.installation.deploy("app")
    wait_for_all_pods(plane)
    assert volumes(plane)


def test_nodes_move_behind_a_gateway(environment: Environment) -> None:
    """The way out is made, then the new node group, and then the old one goes; no data moves.

    Cannot prove: that nodes join through a NAT gateway, and how long EKS takes to drain.
    """
    (old,) = node_groups(environment)
    environment.installation.change_env(NODE_SUBNETS="private")
    said = environment.installation.deploy("network")
    assert changed(said) == [f"module.eks.{NODE_GROUP}"]
    in_order(
        said,
        f"{GATEWAY}: Creation complete",
        f"{ROUTE}: Creation complete",
        f"{NODE_GROUP}: Creating...",
        f"{NODE_GROUP}: Creation complete",
        f"{NODE_GROUP} (deposed object",
    )
    assert node_groups(environment) != [old]


def test_pods_follow(environment: Environment, plane: ControlPlane) -> None:
    """The pods start on the private nodes, in the zones and with the volumes of before.

    No plan of app has a difference. Cannot prove: that EBS attaches the volumes there.
    """
    move_pods(plane)
    environment.installation.assert_nothing_to_do("app")


def test_nodes_have_no_public_addresses(environment: Environment) -> None:
    """Their subnets give none, lie in the zones of the public ones, and lead to the NAT gateway.

    S3 is reached by the gateway endpoint from their route table too.
    """
    ec2 = environment.aws.client("ec2")
    subnets = subnets_of_nodes(environment)
    assert sorted(each["CidrBlock"] for each in subnets) == ["10.0.32.0/20", "10.0.48.0/20"]
    assert [each["MapPublicIpOnLaunch"] for each in subnets] == [False, False]
    assert sorted(each["AvailabilityZone"] for each in subnets) == sorted(ZONES)
    (gateway,) = ec2.describe_nat_gateways(Filter=[{"Name": "state", "Values": ["available"]}])[
        "NatGateways"
    ]
    (public,) = ec2.describe_subnets(SubnetIds=[gateway["SubnetId"]])["Subnets"]
    assert public["MapPublicIpOnLaunch"] is True
    for each in subnets:
        assert (
            default_route(environment, each["SubnetId"])["NatGatewayId"]
            == (gateway["NatGatewayId"])
        )
    (endpoint,) = ec2.describe_vpc_endpoints()["VpcEndpoints"]
    assert len(endpoint["RouteTableIds"]) == 2


def test_the_database_closes(environment: Environment) -> None:
    """With the next deploy of deps the database loses its public address, in place.

    The next plans are empty.
    """
    (before,) = environment.databases()
    said = environment.installation.deploy("deps")
    assert "aws_db_instance.this[0] will be updated in-place" in said
    (after,) = environment.databases()
    assert (before["PubliclyAccessible"], after["PubliclyAccessible"]) == (True, False)
    assert after["InstanceCreateTime"] == before["InstanceCreateTime"]
    environment.installation.assert_nothing_to_do("network", "deps")


def test_gateway_becomes_an_instance(environment: Environment) -> None:
    """The route changes in place once the instance runs, and the gateway goes after that.

    Cannot prove: that the instance forwards anything; the script is run on stand-ins elsewhere.
    """
    groups = node_groups(environment)
    environment.installation.change_env(NAT="instance")
    said = environment.installation.deploy("network")
    in_order(
        said,
        f"{INSTANCE}: Creation complete",
        f"{ROUTE}: Modifying...",
        f"{ROUTE}: Modifications complete",
        f"{GATEWAY}: Destroying...",
    )
    assert node_groups(environment) == groups
    assert nat_instance(environment)["InstanceType"] == "t4g.nano"
    environment.installation.assert_nothing_to_do("network")


def test_instance_is_lost(environment: Environment) -> None:
    """After the NAT instance has ended there is another, and no difference in the next plan.

    Cannot prove: how soon EC2 Auto Scaling notices.
    """
    ec2 = environment.aws.client("ec2")
    (subnet, _) = subnets_of_nodes(environment)
    before, route = nat_instance(environment), default_route(environment, subnet["SubnetId"])
    assert route["NetworkInterfaceId"].startswith("eni-")
    ec2.terminate_instances(InstanceIds=[before["InstanceId"]])
    assert nat_instance(environment)["InstanceId"] != before["InstanceId"]
    assert default_route(environment, subnet["SubnetId"]) == route
    environment.installation.assert_nothing_to_do("network")


def test_instance_forwards(environment: Environment) -> None:
    """What the script sets up sends a node's packets on as the instance's, and the answers back.

    In network namespaces, on this kernel: packets come in by one interface and leave by another,
    which a strict filter of source addresses drops. Cannot prove: EC2's own check of addresses.
    """
    if lack := lacking():
        pytest.skip(f"no network namespaces: {lack}")
    script, rules, _ = files_of_nat_instance(environment)
    (commands,) = re.findall(r"(?m)^sysctl (.*)\nnft --file \S+$", script)
    with Namespaces() as network:
        assert network.seen_as() is None
        network.run(NAT, "sysctl", *commands.split())
        # As at the next boot too.
        for _ in range(2):
            network.run(NAT, "nft", "--file", "-", given=rules)
        assert network.seen_as() == OWN
        network.run(NAT, "sysctl", "--quiet", "--write", "net.ipv4.conf.all.rp_filter=1")
        assert network.seen_as() is None


def test_instance_becomes_a_gateway(environment: Environment) -> None:
    """The route changes in place once the gateway is there, and the instance goes after that."""
    environment.installation.change_env(NAT="gateway")
    said = environment.installation.deploy("network")
    in_order(
        said,
        f"{GATEWAY}: Creation complete",
        f"{ROUTE}: Modifications complete",
        f"{INSTANCE}: Destroying...",
        "aws_network_interface.nat: Destroying...",
    )
    environment.installation.assert_nothing_to_do("network")
    assert [name for name in environment.left_over() if "langfuse-nat" in name] == []


def test_nodes_move_back(environment: Environment) -> None:
    """Public nodes are made, the private ones go, and then their way out; no data moves."""
    environment.installation.change_env(NODE_SUBNETS="public", NAT=None)
    said = environment.installation.deploy("network")
    assert_no_data_moved(said)
    in_order(
        said,
        f"{NODE_GROUP}: Creation complete",
        f"{NODE_GROUP} (deposed object",
        f"{ROUTE}: Destroying...",
        f"{GATEWAY}: Destroying...",
    )
    assert "aws_internet_gateway.this[0]: Destroying" not in said
    (before,) = environment.databases()
    environment.installation.deploy("deps")
    (after,) = environment.databases()
    assert (before["PubliclyAccessible"], after["PubliclyAccessible"]) == (False, True)
    assert after["InstanceCreateTime"] == before["InstanceCreateTime"]
    environment.installation.assert_nothing_to_do("network", "deps")
    gone = ("nat-gateway", "address", "langfuse-nat")
    assert [name for name in environment.left_over() if any(each in name for each in gone)] == []


def test_pods_follow_back(environment: Environment, plane: ControlPlane) -> None:
    """The pods start on public nodes again, with their volumes; then app is destroyed."""
    move_pods(plane)
    environment.installation.assert_nothing_to_do("app")
    environment.installation.destroy("app")


@pytest.mark.parametrize("nat", ["instance", "gateway"])
def test_destroy_takes_the_nodes_before_their_way_out(environment: Environment, nat: str) -> None:
    """The node group goes, then the route, then NAT; nothing is left of either kind.

    Cannot prove: that EKS releases every network interface before the node group is gone.
    """
    environment.installation.change_env(NODE_SUBNETS="private", NAT=nat)
    environment.installation.deploy("network")
    if nat == "instance":
        environment.installation.destroy("deps")
    said = environment.installation.destroy("network")
    in_order(
        said,
        f"{NODE_GROUP}: Destruction complete",
        f"{ROUTE}: Destroying...",
        f"{ROUTE}: Destruction complete",
        f"{INSTANCE if nat == 'instance' else GATEWAY}: Destroying...",
    )
    in_order(said, f"{ROUTE}: Destruction complete", "aws_internet_gateway.this[0]: Destroying...")
    assert environment.aws.unlisted() == []
    assert environment.left_over_besides_retained() == []


def test_policies_suffice(environment: Environment) -> None:
    """`deployer.json` and `private-nodes.json` allow every call to EC2, IAM and Auto Scaling.

    What they allow only with the tag `Project` was made with it.
    """
    policies = [
        json.loads((ROOT / "policies" / f"{name}.json").read_text(encoding="utf-8"))
        for name in ("deployer", "private-nodes")
    ]
    statements = [statement for policy in policies for statement in policy["Statement"]]
    allowed = [action for each in statements for action in each["Action"]]
    services = ("ec2:", "iam:", "autoscaling:", "ssm:")
    calls = {call for call in environment.aws.provider_calls() if call.startswith(services)}
    assert {"ec2:ReplaceRoute", "ec2:CreateNatGateway", "autoscaling:CreateAutoScalingGroup"} <= (
        calls
    )
    assert [call for call in calls if not any(fnmatch(call, each) for each in allowed)] == []
    tagged = {
        action for each in statements if "MakeTagged" in each["Sid"] for action in each["Action"]
    }
    assert "ec2:CreateNatGateway" in tagged
    assert tagged.intersection(environment.aws.untagged_calls()) == set()
