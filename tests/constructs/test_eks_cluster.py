"""EksCluster: the cluster, its node group and its add-ons."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from constructs_lib.eks_cluster import CREATOR, EksCluster
from tests.helpers.bare_stack import BareStack
from tests.helpers.expression import evaluate
from tests.helpers.modules import EKS, IRSA, node_group
from tests.helpers.stack import Stack

MakeCluster = Callable[..., Stack]
REFUSED_DOWN = "EKS cannot go back; set it to that version or the one after it in .env."
REFUSED_FAR = "EKS goes one minor version at a time; set it to the one after that in .env."


@pytest.fixture(scope="module")
def make(bare_stack: BareStack) -> MakeCluster:
    """Return a function that makes a cluster with some arguments of its own."""

    def run(**changed: Any) -> Stack:  # noqa: ANN401 - any argument
        arguments: dict[str, Any] = {
            "name": "langfuse",
            "kubernetes_version": "1.35",
            "vpc_id": "vpc-1",
            "subnet_ids": ["subnet-1", "subnet-2"],
            "allowed_cidrs": ["203.0.113.7/32"],
            "node_instance_type": "t3.medium",
            "node_count": 2,
            "node_capacity_type": "SPOT",
            "node_disk_gb": 20,
            "tags": {"Project": "langfuse"},
        }
        return bare_stack(lambda stack: EksCluster(stack, "cluster", **{**arguments, **changed}))

    return run


@pytest.fixture(scope="module")
def stack(make: MakeCluster) -> Stack:
    return make()


@pytest.fixture(scope="module")
def cluster(stack: Stack) -> dict[str, Any]:
    return stack.module(EKS)


def test_fr02_node_group_is_in_the_given_subnets(stack: Stack, cluster: dict[str, Any]) -> None:
    group = node_group(stack)
    assert (cluster["name"], cluster["vpc_id"]) == ("langfuse", "vpc-1")
    assert cluster["subnet_ids"] == group["subnet_ids"] == ["subnet-1", "subnet-2"]
    assert {group["min_size"], group["max_size"], group["desired_size"]} == {2}
    assert group["ami_type"] == "AL2023_x86_64_STANDARD"
    assert group["capacity_type"] == "SPOT"
    assert group["use_latest_ami_release_version"] is False


def test_fr02_node_group_uses_the_template(stack: Stack) -> None:
    """The provider drops credit_specification from a template without an instance type."""
    group = node_group(stack)
    assert group["create_launch_template"] is False
    assert group["launch_template_id"] == "${aws_launch_template.nodes.id}"
    assert group["launch_template_version"] == "${aws_launch_template.nodes.latest_version}"
    assert not {"instance_types", "disk_size", "block_device_mappings"} & set(group)
    template = stack.resource("aws_launch_template", "nodes")
    assert template["vpc_security_group_ids"] == ["${module.eks.node_security_group_id}"]


def test_fr02_graviton_nodes_have_the_image_for_arm(make: MakeCluster) -> None:
    group = node_group(make(node_instance_type="m7gd.large"))
    assert group["ami_type"] == "AL2023_ARM_64_STANDARD"


def test_fr02_another_node_count_is_another_group(make: MakeCluster, stack: Stack) -> None:
    """The module ignores later changes of the desired size."""
    assert node_group(make(node_count=3))["name"] != node_group(stack)["name"]


def test_fr02_a_single_node_stays_in_its_zone(make: MakeCluster) -> None:
    (subnet,) = node_group(make(node_count=1))["subnet_ids"]
    assert subnet == '${element(["subnet-1", "subnet-2"], 0)}'


def test_fr02_addons(cluster: dict[str, Any]) -> None:
    addons = cluster["addons"]
    assert set(addons) == {"vpc-cni", "kube-proxy", "coredns", "aws-ebs-csi-driver"}
    # It frees the network interfaces of the nodes, and so must outlive them.
    assert [name for name, addon in addons.items() if addon["preserve"]] == ["vpc-cni"]
    assert [name for name, addon in addons.items() if addon.get("before_compute")] == ["vpc-cni"]


def test_network_policies_are_enforced(cluster: dict[str, Any]) -> None:
    """The add-on takes text: EKS rejects a boolean."""
    configured = json.loads(cluster["addons"]["vpc-cni"]["configuration_values"])
    assert configured == {"enableNetworkPolicy": "true"}


def test_fr02_volumes_can_be_made(stack: Stack, cluster: dict[str, Any]) -> None:
    role = stack.module(IRSA)
    driver = cluster["addons"]["aws-ebs-csi-driver"]
    assert driver["service_account_role_arn"] == f"${{{stack.module_address(IRSA)}.arn}}"
    assert role["oidc_providers"]["cluster"]["namespace_service_accounts"] == [
        "kube-system:ebs-csi-controller-sa"
    ]
    (policy,) = role["policies"].values()
    assert policy.endswith(":iam::aws:policy/AmazonEBSCSIDriverPolicyV2")


def test_fr03_oidc_provider(stack: Stack, cluster: dict[str, Any]) -> None:
    assert cluster["enable_irsa"] is True
    assert cluster["include_oidc_root_ca_thumbprint"] is False
    assert stack.outputs["oidc_provider_arn"]["value"] == "${module.eks.oidc_provider_arn}"


def test_fr04_nfr05_public_endpoint(cluster: dict[str, Any]) -> None:
    assert cluster["endpoint_public_access"] is True
    assert cluster["endpoint_public_access_cidrs"] == ["203.0.113.7/32"]


def test_fr04_creator_is_the_only_administrator(cluster: dict[str, Any]) -> None:
    assert cluster["enable_cluster_creator_admin_permissions"] is True
    assert "access_entries" not in cluster


def test_administrators_have_all_rights(make: MakeCluster) -> None:
    entries = make(administrators={CREATOR: "arn:a", "runs": "arn:b"}).module(EKS)["access_entries"]
    assert {key: entry["principal_arn"] for key, entry in entries.items()} == {
        "cluster_creator": "arn:a",
        "runs": "arn:b",
    }
    for entry in entries.values():
        (policy,) = entry["policy_associations"].values()
        assert policy["policy_arn"].endswith("cluster-access-policy/AmazonEKSClusterAdminPolicy")
        assert policy["access_scope"] == {"type": "cluster"}


def test_ports_80_and_443_are_open_to_web_cidrs(make: MakeCluster, cluster: dict[str, Any]) -> None:
    assert "node_security_group_additional_rules" not in cluster
    cidrs = ["203.0.113.7/32", "198.51.100.0/24"]
    rules = make(web_cidrs=cidrs).module(EKS)["node_security_group_additional_rules"]
    opened = {(rule["from_port"], rule["to_port"]) for rule in rules.values()}
    assert opened == {(80, 80), (443, 443)}
    assert [rule["cidr_blocks"] for rule in rules.values()] == [cidrs] * 2


@pytest.mark.parametrize(
    ("running", "refused"),
    [
        ("1.9", REFUSED_FAR),
        ("1.33", REFUSED_FAR),
        ("1.34", None),
        ("1.35", None),
        ("1.36", REFUSED_DOWN),
    ],
)
def test_kubernetes_goes_one_minor_version_up(
    stack: Stack, cluster: dict[str, Any], running: str, refused: str | None
) -> None:
    assert cluster["kubernetes_version"] == "1.35"
    existing = {"version": running}
    messages = [
        evaluate(stack, each["error_message"], self_=existing)
        for each in stack.data("aws_eks_cluster")["lifecycle"]["postcondition"]
        if not evaluate(stack, each["condition"], self_=existing)
    ]
    told = f"KUBERNETES_VERSION: is 1.35, and the cluster runs {running}. {refused}"
    assert messages == ([told] if refused else [])


def test_state_is_stored_while_the_cluster_is_made(stack: Stack) -> None:
    pause = stack.resource("terraform_data", "checkpoint")
    assert pause["triggers_replace"] == {"after": ["subnet-1", "subnet-2"]}
    assert "terraform_data.checkpoint" not in stack.text  # Nothing waits for it.


def test_nfr06_nothing_billable_beyond_the_design(cluster: dict[str, Any]) -> None:
    assert cluster["upgrade_policy"] == {"support_type": "STANDARD"}
    assert cluster["create_kms_key"] is False
    assert cluster["encryption_config"] is None
    assert cluster["enabled_log_types"] == []
    assert cluster["create_cloudwatch_log_group"] is False
