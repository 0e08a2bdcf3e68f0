"""How nodes reach the internet, as EC2, EKS and EC2 Auto Scaling describe it."""

import base64
import json
from typing import Any

from tests.rehearsal.environment import Environment
from tests.rehearsal.test_resize import node_groups


def subnets_of_nodes(environment: Environment) -> list[dict[str, Any]]:
    """Return the subnets of the only node group, as EC2 describes them."""
    eks, ec2 = environment.aws.client("eks", environment.eks.url), environment.aws.client("ec2")
    (name,) = node_groups(environment)
    group = eks.describe_nodegroup(clusterName="langfuse", nodegroupName=name)["nodegroup"]
    found: list[dict[str, Any]] = ec2.describe_subnets(SubnetIds=group["subnets"])["Subnets"]
    return found


def default_route(environment: Environment, subnet: str) -> dict[str, Any]:
    """Return the default route of the route table that a subnet is associated with."""
    tables = environment.aws.client("ec2").describe_route_tables(
        Filters=[{"Name": "association.subnet-id", "Values": [subnet]}]
    )
    (table,) = tables["RouteTables"]
    (route,) = [each for each in table["Routes"] if each.get("DestinationCidrBlock") == "0.0.0.0/0"]
    return dict(route)


def nat_instance(environment: Environment) -> dict[str, Any]:
    """Return the instance in the group of the NAT instance."""
    (group,) = environment.aws.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=["langfuse-nat"]
    )["AutoScalingGroups"]
    (instance,) = group["Instances"]
    return dict(instance)


def files_of_nat_instance(environment: Environment) -> list[str]:
    """Return the files that the instance writes at its start: its script, rules and unit."""
    ec2 = environment.aws.client("ec2")
    (template,) = [
        each
        for each in ec2.describe_launch_templates()["LaunchTemplates"]
        if each["LaunchTemplateName"].startswith("langfuse-nat-")
    ]
    (version,) = ec2.describe_launch_template_versions(
        LaunchTemplateId=template["LaunchTemplateId"], Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    user_data = base64.b64decode(version["LaunchTemplateData"]["UserData"]).decode()
    return [each["content"] for each in json.loads(user_data.partition("\n")[2])["write_files"]]
