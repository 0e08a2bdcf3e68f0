"""The seam between stacks: a contract goes into a workspace as outputs, and comes out again."""

import dataclasses
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from cdktf import TerraformOutput, TerraformStack
from cdktf_cdktf_provider_tfe.data_tfe_outputs import DataTfeOutputs
from cdktf_cdktf_provider_tfe.data_tfe_workspace_ids import DataTfeWorkspaceIds

from contracts import HINT, SENSITIVE

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ContractT = TypeVar("ContractT", bound="DataclassInstance")


def publish(stack: TerraformStack, outputs: "DataclassInstance") -> None:
    """Write one Terraform output per field of the contract ``outputs``."""
    for field in dataclasses.fields(outputs):
        TerraformOutput(
            stack,
            field.name,
            value=getattr(outputs, field.name),
            sensitive=_is_sensitive(field),
            static_id=True,
        )


def publish_hints(stack: TerraformStack, **hints: str) -> None:
    """Write outputs that no stack reads, for a person to see at the end of a deploy.

    Args:
        stack: the stack that they are about.
        hints: what to do next, by its name; ``log_in`` becomes the output ``how_to_log_in``.

    """
    for name, hint in hints.items():
        TerraformOutput(stack, f"{HINT}{name}", value=hint, sensitive=False, static_id=True)


def read(  # noqa: PLR0913 - what to read, and from where
    stack: TerraformStack,
    contract: type[ContractT],
    *,
    upstream: str,
    organization: str,
    workspace: str,
    may_list_workspaces: bool = True,
    id_: str | None = None,
) -> ContractT:
    """Return the contract that the stack ``upstream`` published, its fields as tokens.

    A workspace that is not there fails without a word of help; one without state, or one that does
    not share it, answers with an empty object and no error. So the plan is stopped here, before
    anything is created, and told what to run.

    Args:
        stack: the reading stack.
        contract: the dataclass to read.
        upstream: id of the stack that publishes.
        organization: its Terraform Cloud organization.
        workspace: its workspace.
        may_list_workspaces: whether Terraform's token sees that the workspace is not there; the
            token of a run in Terraform Cloud only sees outputs that are shared with it.
        id_: prefix of the construct ids, ``upstream`` unless given; for a second contract of it.

    """
    id_ = id_ or upstream
    outputs = DataTfeOutputs(stack, id_, organization=organization, workspace=workspace)
    types = get_type_hints(contract)
    tokens: dict[str, str | list[str]] = {}
    conditions = []
    for field in dataclasses.fields(contract):
        # The provider's values are sensitive as a whole; its nonsensitive_values are the others.
        values = "values" if _is_sensitive(field) else "nonsensitive_values"
        is_list = types[field.name] == list[str]
        token = outputs.get_list_attribute if is_list else outputs.get_string_attribute
        tokens[field.name] = token(f"{values}.{field.name}")
        conditions.append(
            {
                "condition": f"${{try(length(self.{values}.{field.name}) > 0, false)}}",
                "error_message": (
                    f"Workspace {workspace} publishes no {field.name}. Run cdktf deploy {upstream} "
                    "first; if it is deployed, let it share its state with this workspace."
                ),
            }
        )
    lifecycle: dict[str, list[dict[str, str]]] = {"postcondition": conditions}
    if may_list_workspaces:
        existing = DataTfeWorkspaceIds(
            stack, f"{id_}_workspace", organization=organization, names=[workspace]
        )
        lifecycle["precondition"] = [
            {
                "condition": f'${{contains(keys({existing.fqn}.ids), "{workspace}")}}',
                "error_message": (
                    f"There is no workspace {workspace}. Run cdktf deploy {upstream} first."
                ),
            }
        ]
    outputs.add_override("lifecycle", lifecycle)
    return contract(**tokens)


def _is_sensitive(field: dataclasses.Field[Any]) -> bool:
    return bool(field.metadata.get(SENSITIVE, False))
