"""Inputs of the EKS module: plain data in, plain data out."""


def node_group(
    *,
    name: str,
    subnet_ids: list[str],
    count: int,
    capacity_type: str,
    template_id: str,
    template_version: str,
) -> dict[str, object]:
    """Return the managed node group; its template has the instance type and the disk."""
    return {
        # The module ignores later changes of desired_size. With the count in its name, a new count
        # is a new group, made before the old one goes.
        "name": f"{name}-{count}",
        "iam_role_name": f"{name}-nodes",
        "subnet_ids": subnet_ids,
        "ami_type": "AL2023_x86_64_STANDARD",
        # Otherwise every new image would be a change, and a roll of the nodes.
        "use_latest_ami_release_version": False,
        "create_launch_template": False,
        "launch_template_id": template_id,
        "launch_template_version": template_version,
        "capacity_type": capacity_type,
        "min_size": count,
        "max_size": count,
        "desired_size": count,
    }


def administrator(principal_arn: str, policy_arn: str) -> dict[str, object]:
    """Return the access entry of a user or role with all rights in the cluster."""
    return {
        "principal_arn": principal_arn,
        "policy_associations": {
            "admin": {"policy_arn": policy_arn, "access_scope": {"type": "cluster"}}
        },
    }


def web_rules(cidrs: list[str]) -> dict[str, dict[str, object]]:
    """Return rules of the nodes' security group that let ``cidrs`` reach ports 80 and 443."""
    return {
        scheme: {
            "description": f"{scheme.upper()} to Traefik",
            "from_port": port,
            "to_port": port,
            "cidr_blocks": cidrs,
        }
        for scheme, port in (("http", 80), ("https", 443))
    }


def addons(*, ebs_csi_role_arn: str) -> dict[str, dict[str, object]]:
    """Return the add-ons; but for vpc-cni, their Deployments and DaemonSets go with them."""
    return {
        # Before the nodes, which are not ready without it. Its DaemonSet stays until the nodes are
        # gone: without it nobody frees their network interfaces, which then block the subnets
        # (terraform-aws-modules/terraform-aws-eks#2743).
        "vpc-cni": {"preserve": True, "before_compute": True},
        "kube-proxy": {"preserve": False},
        "coredns": {"preserve": False},
        "aws-ebs-csi-driver": {"preserve": False, "service_account_role_arn": ebs_csi_role_arn},
    }
