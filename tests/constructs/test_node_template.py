"""NodeTemplate: the launch template of the nodes."""

from typing import Any

import pytest

from constructs_lib.node_template import NodeTemplate
from tests.helpers.bare_stack import BareStack


def template(bare_stack: BareStack, instance_type: str = "t3.medium") -> dict[str, Any]:
    return bare_stack(
        lambda stack: NodeTemplate(
            stack,
            "nodes",
            name="team-a1",
            instance_type=instance_type,
            disk_gb=20,
            security_group_id="sg-1",
            tags={"Project": "team-a1"},
        )
    ).resource("aws_launch_template", "nodes")


@pytest.fixture(scope="module")
def nodes(bare_stack: BareStack) -> dict[str, Any]:
    return template(bare_stack)


def test_fr02_node_disks_are_encrypted_gp3(nodes: dict[str, Any]) -> None:
    (disk,) = nodes["block_device_mappings"]
    assert disk["device_name"] == "/dev/xvda"
    assert disk["ebs"] == {
        "volume_size": 20,
        "volume_type": "gp3",
        "encrypted": "true",
        "delete_on_termination": "true",
    }


def test_fr02_pods_cannot_take_the_role_of_their_node(nodes: dict[str, Any]) -> None:
    assert nodes["metadata_options"] == {
        "http_endpoint": "enabled",
        "http_tokens": "required",
        "http_put_response_hop_limit": 1,
    }


def test_fr02_nodes_are_in_their_security_group(nodes: dict[str, Any]) -> None:
    """A template without groups would put them into the cluster's own only."""
    assert nodes["vpc_security_group_ids"] == ["sg-1"]


def test_fr02_what_ec2_makes_of_the_template_is_tagged(nodes: dict[str, Any]) -> None:
    """The provider's default tags stop at the template itself."""
    tags = {"Project": "team-a1", "Name": "team-a1-node"}
    assert {each["resource_type"]: each["tags"] for each in nodes["tag_specifications"]} == {
        "instance": tags,
        "volume": tags,
        "network-interface": tags,
    }
    assert nodes["name_prefix"] == "team-a1-nodes-"


def test_fr02_new_template_is_there_before_the_old_one_goes(nodes: dict[str, Any]) -> None:
    assert nodes["lifecycle"] == {"create_before_destroy": True}
    assert nodes["update_default_version"] is True


@pytest.mark.parametrize(
    ("instance_type", "specification"),
    [
        ("t3.medium", {"cpu_credits": "standard"}),
        ("t2.large", {"cpu_credits": "standard"}),
        ("t4g.medium", {"cpu_credits": "standard"}),
        ("m6i.large", None),
        ("m7g.large", None),
        ("trn1.2xlarge", None),
    ],
)
def test_nfr06_t_types_alone_have_cpu_credits(
    bare_stack: BareStack, instance_type: str, specification: dict[str, str] | None
) -> None:
    """EC2 refuses the specification for other types."""
    found = template(bare_stack, instance_type)
    assert found["instance_type"] == instance_type
    assert found.get("credit_specification") == specification
