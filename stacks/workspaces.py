"""Before the others, if they run in Terraform Cloud: the workspaces that they run in."""

import json
from pathlib import Path

from cdktf_cdktf_provider_aws.data_aws_caller_identity import DataAwsCallerIdentity
from cdktf_cdktf_provider_aws.data_aws_iam_session_context import DataAwsIamSessionContext
from cdktf_cdktf_provider_aws.data_aws_partition import DataAwsPartition
from cdktf_cdktf_provider_tfe.data_tfe_workspace_ids import DataTfeWorkspaceIds
from cdktf_cdktf_provider_tfe.provider import TfeProvider
from cdktf_cdktf_provider_tfe.workspace_settings import WorkspaceSettings
from constructs import Construct

import versions
from constructs_lib.admin_password import ADMIN_PASSWORD, admin_password
from constructs_lib.remote_workspace import RemoteWorkspace
from constructs_lib.run_identity import RunIdentity
from settings import Settings
from stacks.app import APP
from stacks.base import TERRAFORM_CLOUD, BaseStack, workspace_name
from stacks.deps import DEPS
from stacks.network import NETWORK, OPERATOR_ARN, RUN_ROLE_ARN

WORKSPACES = "workspaces"

# What the runs may do is what who deploys by hand may do.
POLICY = Path(__file__).parents[1] / "docs" / "iam-policy.json"


class WorkspacesStack(BaseStack):
    """The three other workspaces, and the role of their runs. It runs on the user's machine."""

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, WORKSPACES, settings=settings)
        TfeProvider(self, "tfe", hostname=TERRAFORM_CLOUD)
        names = {id_: workspace_name(settings, id_) for id_ in (NETWORK, DEPS, APP)}
        own_name = workspace_name(settings, WORKSPACES)
        existing = DataTfeWorkspaceIds(
            self,
            "existing",
            organization=settings.tfc_organization,
            names=[*names.values(), own_name],
        )
        identity = RunIdentity(
            self,
            "identity",
            name=f"{settings.name}-terraform-cloud-runs",
            hostname=TERRAFORM_CLOUD,
            organization=settings.tfc_organization,
            workspaces=list(names.values()),
            policy=self._policy(settings.name),
        )
        network, deps, app = (
            RemoteWorkspace(
                self,
                id_,
                name=name,
                organization=settings.tfc_organization,
                terraform_version=versions.TERRAFORM,
                existing_ids=f"{existing.fqn}.ids",
            )
            for id_, name in names.items()
        )
        network.share_with([deps, app])
        deps.share_with([app])
        app.share_with([])
        deps.run_after(network)
        app.run_after(deps)
        for workspace in (network, deps, app):
            workspace.set_environment(
                TFC_AWS_PROVIDER_AUTH="true", TFC_AWS_RUN_ROLE_ARN=identity.role_arn
            )
        network.set_input(**{OPERATOR_ARN: self._operator_arn(), RUN_ROLE_ARN: identity.role_arn})
        app.set_secret_input(**{ADMIN_PASSWORD: admin_password(self)})
        self.add_override("import", [each.adoption for each in (network, deps, app)])
        # From the second deploy on it needs no TF_FORCE_LOCAL_BACKEND any more.
        WorkspaceSettings(
            self,
            WORKSPACES,
            workspace_id=f'${{{existing.fqn}.ids["{own_name}"]}}',
            execution_mode="local",
        )

    def _operator_arn(self) -> str:
        """Return who deploys by hand, as the EKS module would: a role, not a session of it."""
        caller = DataAwsCallerIdentity(self, "caller").arn
        return DataAwsIamSessionContext(self, "operator", arn=caller).issuer_arn

    def _policy(self, name: str) -> str:
        partition = DataAwsPartition(self, "partition").partition
        text = json.dumps(json.loads(POLICY.read_text(encoding="utf-8")), separators=(",", ":"))
        return text.replace("langfuse", name).replace("arn:aws:", f"arn:{partition}:")
