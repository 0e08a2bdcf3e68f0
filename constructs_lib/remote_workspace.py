"""A workspace of Terraform Cloud that runs Terraform itself."""

from collections.abc import Sequence

from cdktf_cdktf_provider_tfe.run_trigger import RunTrigger
from cdktf_cdktf_provider_tfe.variable import Variable
from cdktf_cdktf_provider_tfe.workspace import Workspace
from cdktf_cdktf_provider_tfe.workspace_settings import WorkspaceSettings
from constructs import Construct


class RemoteWorkspace(Construct):
    """A workspace with remote runs; one that exists already is taken over with its state."""

    id: str
    adoption: dict[str, str]
    """Import block that takes the workspace over if it exists; for the stack."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        organization: str,
        terraform_version: str,
        existing_ids: str,
    ) -> None:
        """Make the workspace, or take it over.

        Args:
            scope: parent construct.
            id_: construct id; also the workspace's name in Terraform addresses.
            name: its name in Terraform Cloud.
            organization: whose it is.
            terraform_version: exact version that its runs use.
            existing_ids: expression for a map from the names of workspaces that exist to their ids.

        """
        super().__init__(scope, id_)
        self._id = id_
        workspace = Workspace(
            self,
            "workspace",
            name=name,
            organization=organization,
            terraform_version=terraform_version,
            # A triggered run plans what was uploaded last, which may be a plan that was declined.
            # So nothing is applied before somebody has approved that very plan.
            auto_apply=False,
            auto_apply_run_trigger=False,
            # Refused while it holds resources: that is what keeps their state.
            force_delete=False,
        )
        workspace.override_logical_id(id_)
        self.id = workspace.id
        only_this = f'for each, id in {existing_ids} : each => id if each == "{name}"'
        self.adoption = {
            "for_each": f"${{{{ {only_this} }}}}",
            "to": f"{workspace.terraform_resource_type}.{id_}",
            "id": "${each.value}",
        }

    def share_with(self, consumers: Sequence["RemoteWorkspace"]) -> None:
        """Run remotely, and let exactly these workspaces read the state."""
        settings = WorkspaceSettings(
            self,
            "settings",
            workspace_id=self.id,
            execution_mode="remote",
            global_remote_state=False,
            remote_state_consumer_ids=[consumer.id for consumer in consumers],
        )
        settings.override_logical_id(self._id)

    def run_after(self, source: "RemoteWorkspace") -> None:
        """Queue a run here whenever one has changed something in ``source``.

        A run that finds changes waits for an approval, and holds up the runs after it.
        """
        trigger = RunTrigger(self, "trigger", workspace_id=self.id, sourceable_id=source.id)
        trigger.override_logical_id(self._id)

    def set_environment(self, **variables: str) -> None:
        """Give its runs environment variables."""
        for key, value in variables.items():
            self._set("env", key, value=value)

    def set_input(self, **variables: str) -> None:
        """Give its runs values of Terraform variables."""
        for key, value in variables.items():
            self._set("terraform", key, value=value)

    def set_secret_input(self, **variables: str) -> None:
        """Give its runs values of Terraform variables that no state holds and nobody can read."""
        for key, value in variables.items():
            self._set("terraform", key, value_wo=value, sensitive=True)

    def _set(
        self,
        category: str,
        key: str,
        *,
        value: str | None = None,
        value_wo: str | None = None,
        sensitive: bool | None = None,
    ) -> None:
        variable = Variable(
            self,
            key,
            workspace_id=self.id,
            category=category,
            key=key,
            value=value,
            value_wo=value_wo,
            sensitive=sensitive,
        )
        variable.override_logical_id(f"{self._id}_{key}")
