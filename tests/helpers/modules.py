"""The community modules: their sources, their interfaces, and parts of their calls."""

import json
from typing import Any, Final

from tests.helpers.checkout import ROOT
from tests.helpers.stack import Stack

VPC: Final = "terraform-aws-modules/vpc/aws"
ENDPOINTS: Final = "terraform-aws-modules/vpc/aws//modules/vpc-endpoints"
EKS: Final = "terraform-aws-modules/eks/aws"
RDS: Final = "terraform-aws-modules/rds/aws"
IRSA: Final = "terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts"
FIREWALL: Final = "terraform-aws-modules/security-group/aws"
ELASTICACHE: Final = "terraform-aws-modules/elasticache/aws"

# Inputs and outputs, at the pinned versions.
INTERFACES: Final[dict[str, Any]] = json.loads(
    (ROOT / "tests" / "data" / "module_interfaces.json").read_text(encoding="utf-8")
)
# Arguments of Terraform itself.
META: Final = {"//", "source", "version", "providers", "depends_on"}


def pod_role(stack: Stack, suffix: str) -> dict[str, Any]:
    """Return the call that makes the role whose name ends so."""
    (role,) = [
        call
        for call in stack.modules.values()
        if call["source"] == IRSA and call["name"].endswith(f"-{suffix}")
    ]
    return role


def node_group(stack: Stack) -> dict[str, Any]:
    """Return the only node group of a cluster."""
    (group,) = stack.module(EKS)["eks_managed_node_groups"].values()
    assert isinstance(group, dict)
    return group
