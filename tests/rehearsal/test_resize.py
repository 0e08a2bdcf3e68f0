"""Changed nodes and versions: every change that the settings accept ends with all pods ready."""

import json
from fnmatch import fnmatch

import pytest

from tests.helpers.checkout import ROOT
from tests.rehearsal.environment import Environment
from tests.rehearsal.stand_ins.cluster_objects import T3_LARGE, T3_MEDIUM, T4G_MEDIUM, ZONES
from tests.rehearsal.stand_ins.control_plane import ControlPlane
from tests.rehearsal.test_app import assert_placement, items, wait_for_all_pods

pytestmark = pytest.mark.rehearsal
WANTS_CLUSTER = True

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def node_groups(environment: Environment) -> list[str]:
    """Return the names of the node groups."""
    eks = environment.aws.client("eks", environment.eks.url)
    names: list[str] = eks.list_nodegroups(clusterName="langfuse")["nodegroups"]
    return names


def applied_template(environment: Environment) -> dict[str, object]:
    """Return what EC2 has of the launch template that the only node group uses."""
    eks, ec2 = environment.aws.client("eks", environment.eks.url), environment.aws.client("ec2")
    (name,) = node_groups(environment)
    group = eks.describe_nodegroup(clusterName="langfuse", nodegroupName=name)["nodegroup"]
    used = group["launchTemplate"]
    (version,) = ec2.describe_launch_template_versions(
        LaunchTemplateId=used["id"], Versions=[used["version"]]
    )["LaunchTemplateVersions"]
    data: dict[str, object] = version["LaunchTemplateData"]
    return {**data, "subnets": group["subnets"]}


def replace_nodes(plane: ControlPlane, new: list[str]) -> None:
    """Remove all nodes but ``new``, as EKS drains a group once the next one is ready."""
    for name in plane.nodes():
        if name not in new:
            plane.remove_node(name)


def test_nfr06_nodes_have_standard_credits(environment: Environment) -> None:
    """The template that the nodes were made from has standard CPU credits, as EC2 shows it.

    Cannot prove: that EKS passes the template on unchanged.
    """
    environment.installation.deploy("network")
    template = applied_template(environment)
    assert template["InstanceType"] == "t3.medium"
    assert template["CreditSpecification"] == {"CpuCredits": "standard"}
    assert len(template["subnets"]) == len(ZONES)  # type: ignore[arg-type]


def test_add_on_enforces_network_policies(environment: Environment) -> None:
    """The VPC add-on has the configuration that enforces NetworkPolicies.

    Cannot prove: that EKS accepts it, and that policies are enforced.
    """
    eks = environment.aws.client("eks", environment.eks.url)
    addon = eks.describe_addon(clusterName="langfuse", addonName="vpc-cni")["addon"]
    assert json.loads(addon["configurationValues"]) == {"enableNetworkPolicy": "true"}


def test_volumes_are_in_the_first_zone(environment: Environment, plane: ControlPlane) -> None:
    """On two nodes, both volumes are in the first subnet's zone, with ClickHouse and Redis."""
    environment.stand_in_for_deps()
    environment.installation.deploy("app")
    nodes = wait_for_all_pods(plane)
    assert_placement(nodes)
    assert f".{ZONES[0]}." in nodes["clickhouse"]


def test_two_nodes_become_one(environment: Environment, plane: ControlPlane) -> None:
    """After deploys of network and app, one t3.large in the volumes' zone runs all four pods.

    Cannot prove: how long AWS takes to create and drain nodes.
    """
    environment.installation.change_env(NODE_COUNT="1", NODE_INSTANCE_TYPE="t3.large")
    environment.installation.deploy("network")
    template = applied_template(environment)
    assert template["InstanceType"] == "t3.large"
    assert len(template["subnets"]) == 1  # type: ignore[arg-type]
    new = plane.add_nodes(1, T3_LARGE, zones=ZONES[:1])
    replace_nodes(plane, new)
    environment.installation.deploy("app")
    assert set(wait_for_all_pods(plane).values()) == set(new)
    environment.installation.assert_nothing_to_do("network", "app")


def test_one_node_becomes_two(environment: Environment, plane: ControlPlane) -> None:
    """Back on two t3.medium, the volumes are the same, and the placement is that of two nodes."""
    volumes = sorted(claim["spec"]["volumeName"] for claim in items(plane, "pvc"))
    environment.installation.change_env(NODE_COUNT="2", NODE_INSTANCE_TYPE="t3.medium")
    environment.installation.deploy("network")
    new = plane.add_nodes(2, T3_MEDIUM, zones=ZONES)
    replace_nodes(plane, new)
    environment.installation.deploy("app")
    assert_placement(wait_for_all_pods(plane))
    assert sorted(claim["spec"]["volumeName"] for claim in items(plane, "pvc")) == volumes


def test_spot_changes_the_nodes_only(environment: Environment, plane: ControlPlane) -> None:
    """A change to Spot needs a deploy of network only: the new nodes run the pods as they are."""
    environment.installation.change_env(NODE_CAPACITY_TYPE="SPOT")
    environment.installation.deploy("network")
    replace_nodes(plane, plane.add_nodes(2, T3_MEDIUM, zones=ZONES))
    assert_placement(wait_for_all_pods(plane))
    environment.installation.assert_nothing_to_do("network")


def test_arm_nodes_replace_the_group_and_nothing_else(
    environment: Environment, plane: ControlPlane
) -> None:
    """A change from t3 to t4g creates the new group before the old one is deleted.

    Besides, the launch template gets a version; no output changes, so deps and app have none.

    Cannot prove: that images start on ARM, and that volumes move.
    """
    (old,) = node_groups(environment)
    outputs = environment.installation.terraform("network", "output", "-json")
    environment.installation.change_env(NODE_INSTANCE_TYPE="t4g.medium")
    seen = len(environment.eks.requests)
    said = environment.installation.deploy("network")
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in said
    assert "aws_eks_node_group.this[0] must be replaced" in said
    assert "aws_launch_template.nodes" in said.split("will be updated in-place")[0]
    (new,) = node_groups(environment)
    groups = "/clusters/langfuse/node-groups"
    created, deleted = ("POST", groups), ("DELETE", f"{groups}/{old}")
    changes = [each for each in environment.eks.requests[seen:] if each in {created, deleted}]
    assert changes == [created, deleted]
    assert new != old
    assert applied_template(environment)["InstanceType"] == "t4g.medium"
    assert environment.installation.terraform("network", "output", "-json") == outputs
    replace_nodes(plane, plane.add_nodes(2, T4G_MEDIUM, zones=ZONES))
    assert_placement(wait_for_all_pods(plane))
    environment.installation.assert_nothing_to_do("network", "app")


def test_mirror_in_ecr_gives_nodes_two_actions(environment: Environment) -> None:
    """IMAGE_REGISTRY in ECR adds a policy to the role of the nodes, and `deployer.json` suffices.

    Cannot prove: that ECR needs no other action.
    """
    environment.installation.change_env(IMAGE_REGISTRY=f"{ECR}/mirror")
    environment.installation.deploy("network")
    iam = environment.aws.client("iam")
    (role,) = [
        role["RoleName"]
        for role in iam.list_roles()["Roles"]
        if role["RoleName"].startswith("langfuse-nodes-")
    ]
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    document = iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"]
    (statement,) = document["Statement"]
    below = "arn:aws:ecr:us-east-1:123456789012:repository/mirror"
    assert sorted(statement["Action"]) == ["ecr:BatchImportUpstreamImage", "ecr:CreateRepository"]
    assert sorted(statement["Resource"]) == [f"{below}/docker.io/*", f"{below}/registry.k8s.io/*"]
    environment.installation.assert_nothing_to_do("network")
    granted = json.loads((ROOT / "policies" / "deployer.json").read_text(encoding="utf-8"))
    allowed = [action for each in granted["Statement"] for action in each["Action"]]
    calls = {call for call in environment.aws.provider_calls() if call.startswith("iam:")}
    assert "iam:PutRolePolicy" in calls
    assert [call for call in calls if not any(fnmatch(call, each) for each in allowed)] == []


def test_kubernetes_is_not_downgraded(environment: Environment) -> None:
    """An older Kubernetes version, or one two minors up, stops the plan with the running one."""
    environment.installation.change_env(KUBERNETES_VERSION="1.35")
    said = " ".join(environment.installation.deploy("network", status=1).replace("│", " ").split())
    assert "KUBERNETES_VERSION: is 1.35, and the cluster runs 1.36. EKS cannot go back" in said
    environment.installation.change_env(KUBERNETES_VERSION="1.38")
    said = " ".join(environment.installation.deploy("network", status=1).replace("│", " ").split())
    assert "EKS goes one minor version at a time" in said
