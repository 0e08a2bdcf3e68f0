"""Check of the deployer's permissions, by IAM's own simulation of the policies that he needs."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any, Final

from deployer_policies import document, policy_names
from preflight.inquiry import Inquiry
from verification.check import CheckWarning
from verification.cluster import CheckError

# An action for each pattern of the policies: the simulation takes no patterns.
EXAMPLES: Final[Mapping[str, str]] = {
    "autoscaling:Describe*": "autoscaling:DescribeAutoScalingGroups",
    "cloudformation:Describe*": "cloudformation:DescribeStacks",
    "cloudformation:Get*": "cloudformation:GetTemplate",
    "cloudformation:List*": "cloudformation:ListStacks",
    "ec2:AuthorizeSecurityGroup*": "ec2:AuthorizeSecurityGroupIngress",
    "ec2:Describe*": "ec2:DescribeVpcs",
    "ec2:RevokeSecurityGroup*": "ec2:RevokeSecurityGroupEgress",
    "ec2:UpdateSecurityGroupRuleDescriptions*": "ec2:UpdateSecurityGroupRuleDescriptionsIngress",
    "eks:Delete*": "eks:DeleteCluster",
    "eks:Describe*": "eks:DescribeCluster",
    "eks:List*": "eks:ListClusters",
    "eks:Update*": "eks:UpdateClusterConfig",
    "elasticache:Describe*": "elasticache:DescribeReplicationGroups",
    "iam:Get*": "iam:GetRole",
    "iam:List*": "iam:ListAttachedRolePolicies",
    "iam:UpdateRole*": "iam:UpdateRole",
    "rds:Describe*": "rds:DescribeDBInstances",
    "rds:List*": "rds:ListTagsForResource",
    "rds:RestoreDBInstance*": "rds:RestoreDBInstanceFromDBSnapshot",
    "s3:Get*": "s3:GetBucketPolicy",
    "s3:List*": "s3:ListBucket",
    "servicequotas:Get*": "servicequotas:GetServiceQuota",
    "ssm:GetParameter*": "ssm:GetParametersByPath",
}
# What an action is simulated on, where a statement lists several resources: the first that contains
# this. A policy of the user's own may allow it on nothing else.
_KINDS: Final = (
    (r"eks:.*AccessPolicy", ":access-entry/"),
    (r"eks:", ":cluster/"),
    (r"elasticache:.*ReplicationGroup", ":replicationgroup:"),
    (r"elasticache:.*SubnetGroup", ":subnetgroup:"),
    (r"elasticache:", ":parametergroup:"),
    (r"iam:(Create|Delete|Tag|Untag)Policy", ":policy/"),
    (r"iam:.*OpenID", ":oidc-provider/"),
    (r"iam:", ":role/"),
    (r"rds:.*AutomatedBackup", ":auto-backup:"),
    (r"rds:(Copy|Create|Delete)DBSnapshot", ":snapshot:"),
    (r"rds:.*SubnetGroup", ":subgrp:"),
    (r"rds:", ":db:"),
    (r"cloudformation:", ":stack/"),
    (r"s3:", ":s3:"),
    (r"secretsmanager:", ":secret:"),
    (r"ssm:", ":parameter/"),
)


def permissions(inquiry: Inquiry) -> str:
    """Check that the user may do what a deploy does, and return the number of actions.

    Raises:
        CheckError: an action is not allowed.
        CheckWarning: it depends on a condition that the simulation does not know.

    """
    arn = str(inquiry.account.client("sts").get_caller_identity()["Arn"])
    principal = _principal(inquiry, arn)
    if principal is None:
        return "the root user, who may do everything"
    asked = wanted(inquiry)
    denied: list[str] = []
    unsure: list[str] = []
    for resource, actions in asked.items():
        for result in _simulate(inquiry, principal, resource, actions):
            if result["EvalDecision"] != "allowed":
                found = unsure if _missing_context(result) else denied
                found.append(result["EvalActionName"])
    if denied:
        needed = policy_names(inquiry.settings)
        lacking = next(each for each in needed if denied[0] in _actions(inquiry, each))
        others = f" and {len(denied) - 1} more actions" if denied[1:] else ""
        message = (
            f"your user may not {denied[0]}{others}; give it policies/{lacking}.json for this "
            "NAME: docs/permissions.md"
        )
        raise CheckError(message)
    if unsure:
        message = f"not known: whether your user may {unsure[0]} depends on a condition"
        raise CheckWarning(message)
    files = " and ".join(f"policies/{each}.json" for each in policy_names(inquiry.settings))
    return f"{sum(map(len, asked.values()))} actions of {files}"


def wanted(inquiry: Inquiry) -> dict[str, list[str]]:
    """Return the actions of the policies by the resource on which each is to be simulated."""
    asked: dict[str, list[str]] = defaultdict(list)
    for name in policy_names(inquiry.settings):
        for action, resource in _actions(inquiry, name).items():
            if action not in asked[resource]:
                asked[resource].append(action)
    return dict(asked)


def _actions(inquiry: Inquiry, name: str) -> dict[str, str]:
    """Return the resource on which each action that a policy allows is to be simulated."""
    found: dict[str, str] = {}
    for statement in json.loads(document(name, inquiry.settings))["Statement"]:
        if statement["Effect"] != "Allow":
            continue
        resources = statement["Resource"]
        listed = [resources] if isinstance(resources, str) else resources
        for pattern in statement["Action"]:
            action = EXAMPLES.get(pattern, pattern)
            found.setdefault(action, _concrete(inquiry, _resource_of(action, listed)))
    return found


def _resource_of(action: str, resources: list[str]) -> str:
    if len(resources) == 1:
        return resources[0]
    part = next(part for pattern, part in _KINDS if re.match(pattern, action))
    return next(each for each in resources if part in each)


def _concrete(inquiry: Inquiry, arn: str) -> str:
    """Return a resource that the pattern covers."""
    if arn == "*":
        return arn
    prefix, _, service, region, account, resource = arn.split(":", 5)
    return ":".join(
        (
            prefix,
            inquiry.partition,
            service,
            region.replace("*", inquiry.settings.aws_default_region),
            account.replace("*", inquiry.account.id),
            resource.replace("*", "x"),
        )
    )


def _principal(inquiry: Inquiry, arn: str) -> str | None:
    """Return the ARN whose policies count, of a session its role; None for the root user."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind == "root":
        return None
    if kind != "assumed-role":
        return arn
    role = name.partition("/")[0]
    found: str = inquiry.account.client("iam").get_role(RoleName=role)["Role"]["Arn"]
    return found


def _simulate(
    inquiry: Inquiry, principal: str, resource: str, actions: list[str]
) -> Iterator[dict[str, Any]]:
    name = inquiry.settings.name
    context = {
        "aws:RequestTag/Project": name,
        "aws:ResourceTag/Project": name,
        "aws:ResourceTag/cluster.k8s.amazonaws.com/name": name,
        "ec2:CreateAction": "CreateVpc",
        "iam:AWSServiceName": "eks.amazonaws.com",
        "iam:PassedToService": "eks.amazonaws.com",
    }
    if boundary := inquiry.settings.iam_permissions_boundary:
        context["iam:PermissionsBoundary"] = boundary
    pages = inquiry.account.client("iam").get_paginator("simulate_principal_policy")
    for page in pages.paginate(
        PolicySourceArn=principal,
        ActionNames=actions,
        ResourceArns=[resource],
        ContextEntries=[
            {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
            for key, value in context.items()
        ],
    ):
        yield from page["EvaluationResults"]


def _missing_context(result: dict[str, Any]) -> bool:
    """Return whether a condition of the user's own policies asks for what was not given."""
    results = (result, *result.get("ResourceSpecificResults", ()))
    return any(each.get("MissingContextValues") for each in results)
