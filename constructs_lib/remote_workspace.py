"""A Terraform Cloud workspace with remote runs."""

from collections.abc import Sequence

from cdktf_cdktf_provider_tfe.run_trigger import RunTrigger
from cdktf_cdktf_provider_tfe.variable import Variable
from cdktf_cdktf_provider_tfe.workspace import Workspace
from cdktf_cdktf_provider_tfe.workspace_settings import WorkspaceSettings
from constructs import Construct


class RemoteWorkspace(Construct):
    """A workspace with remote runs; an existing one is imported and keeps its state."""

    id: str
    """Id of the workspace."""
    import_block: dict[str, str]
    """Import block for the stack: imports the workspace if it exists."""

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
        """Create or import the workspace.

        Args:
            scope: parent construct.
            id_: construct id, and name of its resources in Terraform addresses.
            name: name of the workspace.
            organization: Terraform Cloud organization.
            terraform_version: exact Terraform version of its runs.
            existing_ids: Terraform expression, a map from names of existing workspaces to ids.

        """
        super().__init__(scope, id_)
        self._id = id_
        workspace = Workspace(
            self,
            "workspace",
            name=name,
            organization=organization,
            terraform_version=terraform_version,
            # A triggered run plans the configuration that was uploaded last; its plan may have been
            # declined. So every plan needs an approval.
            auto_apply=False,
            auto_apply_run_trigger=False,
            # Terraform Cloud refuses to delete a workspace with resources, so no state is lost.
            force_delete=False,
        )
        workspace.override_logical_id(id_)
        self.id = workspace.id
        only_this = f'for each, id in {existing_ids} : each => id if each == "{name}"'
        self.import_block = {
            "for_each": f"${{{{ {only_this} }}}}",
            "to": f"{workspace.terraform_resource_type}.{id_}",
            "id": "${each.value}",
        }

    def share_with(self, consumers: Sequence["RemoteWorkspace"]) -> None:
        """Set remote execution, and share the state with exactly these workspaces."""
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
        """Queue a run after every apply in ``source``.

        A run with changes waits for an approval, and blocks the runs after it.
        """
        trigger = RunTrigger(self, "trigger", workspace_id=self.id, sourceable_id=source.id)
        trigger.override_logical_id(self._id)

    def set_environment(self, **variables: str) -> None:
        """Set environment variables of its runs."""
        for key, value in variables.items():
            self._set("env", key, value=value)

    def set_input(self, **variables: str) -> None:
        """Set Terraform variables of its runs."""
        for key, value in variables.items():
            self._set("terraform", key, value=value)

    def set_secret_input(self, **variables: str) -> None:
        """Set Terraform variables of its runs as sensitive, with values that are in no state."""
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
