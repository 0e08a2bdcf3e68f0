"""Stack 0, for remote runs only: the Terraform Cloud workspaces of the other stacks."""

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_session_context import DataAwsIamSessionContext
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_tfe.data_tfe_workspace_ids import DataTfeWorkspaceIds
from cdktf_cdktf_provider_tfe.provider import TfeProvider
from cdktf_cdktf_provider_tfe.workspace_settings import WorkspaceSettings
from constructs import Construct

import versions
from constructs_lib.admin_password import AdminPassword
from constructs_lib.clickhouse_password import ClickhousePassword
from constructs_lib.extra_secret import ExtraSecret
from constructs_lib.oidc_run_role import OidcRunRole
from constructs_lib.remote_workspace import RemoteWorkspace
from contracts import (
    ADMIN_PASSWORD,
    APP,
    CLICKHOUSE_PASSWORD,
    EXTRA_SECRET,
    NETWORK,
    OPERATOR_ARN,
    RUN_ROLE_ARN,
    STACKS,
    UPSTREAMS,
    WORKSPACES,
    workspace_name,
)
from deployer_policies import DEPLOYER, document, policy_names
from settings import Settings
from stacks.base import BaseStack


class WorkspacesStack(BaseStack):
    """Workspaces of the other stacks, and the IAM role of their runs; itself it runs locally."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, WORKSPACES, settings=settings)
        TfeProvider(self, "tfe", hostname=settings.terraform_cloud_host)
        names = {id_: workspace_name(settings.name, id_) for id_ in STACKS}
        own_name = workspace_name(settings.name, WORKSPACES)
        existing = DataTfeWorkspaceIds(
            self,
            "existing",
            organization=settings.tfc_organization,
            names=[*names.values(), own_name],
        )
        self._partition = DataAwsPartition(self, "partition").partition
        run_role = OidcRunRole(
            self,
            "identity",
            name=f"{settings.name}-terraform-cloud-runs",
            hostname=settings.terraform_cloud_host,
            organization=settings.tfc_organization,
            workspaces=list(names.values()),
            policy=self._policy(DEPLOYER, settings),
            permissions_boundary=settings.iam_permissions_boundary,
            further_policies={
                name: self._policy(name, settings)
                for name in policy_names(settings)
                if name != DEPLOYER
            },
        )
        workspaces = {
            id_: RemoteWorkspace(
                self,
                id_,
                name=name,
                organization=settings.tfc_organization,
                terraform_version=versions.TERRAFORM,
                existing_ids=f"{existing.fqn}.ids",
            )
            for id_, name in names.items()
        }
        for id_, workspace in workspaces.items():
            readers = [reader for reader, upstreams in UPSTREAMS.items() if id_ in upstreams]
            workspace.share_with([workspaces[reader] for reader in readers])
        for id_, upstreams in UPSTREAMS.items():
            # The last upstream itself runs after the others.
            for upstream in upstreams[-1:]:
                workspaces[id_].run_after(workspaces[upstream])
        for workspace in workspaces.values():
            workspace.set_environment(
                TFC_AWS_PROVIDER_AUTH="true", TFC_AWS_RUN_ROLE_ARN=run_role.role_arn
            )
        workspaces[NETWORK].set_input(
            **{OPERATOR_ARN: self._operator_arn(), RUN_ROLE_ARN: run_role.role_arn}
        )
        workspaces[APP].set_secret_input(
            **{ADMIN_PASSWORD: AdminPassword(self).string_value},
            **(
                {CLICKHOUSE_PASSWORD: ClickhousePassword(self).string_value}
                if settings.own_clickhouse
                else {}
            ),
            **{
                f"{EXTRA_SECRET}{name}": ExtraSecret(self, name=name).string_value
                for name in settings.extra_environment.secret
            },
        )
        self.add_override("import", [each.import_block for each in workspaces.values()])
        # Its own workspace. The first deploy needs TF_FORCE_LOCAL_BACKEND, later ones do not.
        WorkspaceSettings(
            self,
            WORKSPACES,
            workspace_id=f'${{{existing.fqn}.ids["{own_name}"]}}',
            execution_mode="local",
        )

    def _operator_arn(self) -> str:
        """Return the ARN of the local operator; of a session, as the EKS module does, its role."""
        caller = DataAwsCallerIdentity(self, "caller").arn
        return DataAwsIamSessionContext(self, "operator", arn=caller).issuer_arn

    def _policy(self, name: str, settings: Settings) -> str:
        """Return a policy of remote runs, the same as for a local deploy."""
        return document(name, settings).replace("arn:aws:", f"arn:{self._partition}:")
