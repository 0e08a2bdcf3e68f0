"""The IAM role of runs in Terraform Cloud, without static credentials."""

import json
from collections.abc import Mapping, Sequence

from cdktf_cdktf_provider_aws.iam_openid_connect_provider import IamOpenidConnectProvider
from cdktf_cdktf_provider_aws.iam_policy import IamPolicy
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

# Default audience of the tokens that Terraform Cloud issues for AWS.
AUDIENCE = "aws.workload.identity"


class OidcRunRole(Construct):
    """An IAM role that only runs of the given workspaces can assume, through OIDC."""

    role_arn: str

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        hostname: str,
        organization: str,
        workspaces: Sequence[str],
        policy: str,
        permissions_boundary: str | None = None,
        further_policies: Mapping[str, str] | None = None,
    ) -> None:
        """Create the OIDC provider, the role and its policies.

        Args:
            scope: parent construct.
            id_: construct id.
            name: name of the role and of its policy.
            hostname: hostname of Terraform Cloud; an account can have one OIDC provider for it.
            organization: Terraform Cloud organization.
            workspaces: names of the workspaces whose runs may assume the role, in any project.
            policy: IAM policy as JSON, at most 6,144 characters without white space.
            permissions_boundary: ARN of the policy that bounds the role; None for none.
            further_policies: IAM policies as JSON beside that one, by what their names end with;
                None for none.

        """
        super().__init__(scope, id_)
        provider = IamOpenidConnectProvider(
            self, "provider", url=f"https://{hostname}", client_id_list=[AUDIENCE]
        )
        provider.override_logical_id("terraform_cloud")
        subjects = [
            f"organization:{organization}:project:*:workspace:{workspace}:run_phase:*"
            for workspace in workspaces
        ]
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Federated": provider.arn},
                    "Action": "sts:AssumeRoleWithWebIdentity",
                    "Condition": {
                        "StringEquals": {f"{hostname}:aud": AUDIENCE},
                        "StringLike": {f"{hostname}:sub": subjects},
                    },
                }
            ],
        }
        role = IamRole(
            self,
            "role",
            name=name,
            assume_role_policy=json.dumps(trust),
            permissions_boundary=permissions_boundary,
        )
        role.override_logical_id("runs")
        _attach(self, "runs", role, name, policy)
        for suffix, further in (further_policies or {}).items():
            below = Construct(self, suffix)
            _attach(below, suffix.replace("-", "_"), role, f"{name}-{suffix}", further)
        self.role_arn = role.arn


def _attach(scope: Construct, id_: str, role: IamRole, name: str, policy: str) -> None:
    permissions = IamPolicy(scope, "policy", name=name, policy=policy)
    permissions.override_logical_id(id_)
    attachment = IamRolePolicyAttachment(
        scope, "attachment", role=role.name, policy_arn=permissions.arn
    )
    attachment.override_logical_id(id_)
