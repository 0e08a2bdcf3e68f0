"""An IAM role for Kubernetes service accounts."""

from collections.abc import Mapping, Sequence

from cdktf import TerraformHclModule
from constructs import Construct

import versions


class WorkloadRole(Construct):
    """A role that pods of service accounts assume through OIDC (IRSA), without credentials."""

    arn: str

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        oidc_provider_arn: str,
        service_accounts: Sequence[str],
        policy_arns: Mapping[str, str] | None = None,
        permissions: Mapping[str, Mapping[str, object]] | None = None,
        permissions_boundary: str | None = None,
    ) -> None:
        """Create the role.

        Args:
            scope: parent construct.
            id_: construct id.
            name: prefix of the role's name, at most 37 characters.
            oidc_provider_arn: the cluster's IAM OIDC provider.
            service_accounts: ``namespace:name`` of each.
            policy_arns: ARNs of managed policies to attach, by a key of your choice.
            permissions: policy statements by a key of your choice, each with ``actions``,
                ``resources`` and optionally ``condition``.
            permissions_boundary: ARN of the policy that bounds them; None for none.

        """
        super().__init__(scope, id_)
        variables: dict[str, object] = {
            "name": name,
            "oidc_providers": {
                "cluster": {
                    "provider_arn": oidc_provider_arn,
                    "namespace_service_accounts": [*service_accounts],
                }
            },
        }
        if policy_arns:
            variables["policies"] = policy_arns
        if permissions:
            variables["permissions"] = permissions
        if permissions_boundary:
            variables["permissions_boundary"] = permissions_boundary
        role = TerraformHclModule(
            self,
            "role",
            source="terraform-aws-modules/iam/aws//modules/iam-role-for-service-accounts",
            version=versions.IAM_MODULE,
            variables=variables,
        )
        self.arn = role.get_string("arn")
