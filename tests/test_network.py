"""The network stack as composed: what settings reach, and what is wired to what."""

from tests.helpers.modules import EKS, VPC, node_group
from tests.helpers.stack import Stack


def test_fr01_fr02_defaults(network: Stack) -> None:
    cluster, group = network.module(EKS), node_group(network)
    template = network.resource("aws_launch_template", "nodes")
    assert network.module(VPC)["cidr"] == "10.0.0.0/16"
    assert cluster["kubernetes_version"] == "1.36"
    assert template["instance_type"] == "t3.medium"
    assert template["block_device_mappings"][0]["ebs"]["volume_size"] == 20
    assert (group["desired_size"], group["capacity_type"]) == (2, "ON_DEMAND")


def test_fr01_fr02_settings_arrive(every_variable: dict[str, Stack]) -> None:
    network = every_variable["network"]
    cluster, group = network.module(EKS), node_group(network)
    template = network.resource("aws_launch_template", "nodes")
    assert network.module(VPC)["cidr"] == "10.20.0.0/20"
    assert cluster["kubernetes_version"] == "1.35"
    assert template["instance_type"] == "m6i.large"
    assert template["block_device_mappings"][0]["ebs"]["volume_size"] == 30
    assert (group["desired_size"], group["capacity_type"]) == (3, "SPOT")


def test_fr02_cluster_is_in_the_public_subnets(network: Stack) -> None:
    assert network.module(EKS)["vpc_id"] == "${module.vpc.vpc_id}"
    assert network.module(EKS)["subnet_ids"] == "${module.vpc.public_subnets}"


def test_fr02_nodes_have_the_tags_of_the_installation(every_variable: dict[str, Stack]) -> None:
    template = every_variable["network"].resource("aws_launch_template", "nodes")
    tags = {"Project": "team-a1", "ManagedBy": "terraform", "Name": "team-a1-node"}
    assert [each["tags"] for each in template["tag_specifications"]] == [tags] * 3


def test_fr04_nfr05_endpoint_is_open_unless_narrowed(
    network: Stack, every_variable: dict[str, Stack]
) -> None:
    assert network.module(EKS)["endpoint_public_access_cidrs"] == ["0.0.0.0/0"]
    assert every_variable["network"].module(EKS)["endpoint_public_access_cidrs"] == [
        "203.0.113.7/32",
        "198.51.100.0/24",
    ]


def test_destroy_is_checked_before_all_modules(variants: dict[str, dict[str, Stack]]) -> None:
    for stacks in variants.values():
        network = stacks["network"]
        guard = network.resource("terraform_data", "destroy_order")
        modules = {each for each in guard["depends_on"] if each.startswith("module.")}
        assert modules == {f"module.{name}" for name in network.modules}
