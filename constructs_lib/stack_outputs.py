"""The seam between stacks: a contract goes into a workspace as outputs, and comes out again."""

import dataclasses
import json
from typing import TYPE_CHECKING, Any, TypeVar, get_type_hints

from cdktf import (
    Postcondition,
    TerraformLocal,
    TerraformOutput,
    TerraformResourceLifecycle,
    TerraformStack,
)
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

    A workspace that is not there makes the data source fail without a word of help; one without
    state, or one that does not share it, answers with an empty object and no error. A deploy is
    stopped here, before anything is created, and told what to run.

    A destroy is not stopped: conditions are warnings then, and each field falls back to a text that
    leads nowhere. Outputs vanish with any destroy of the upstream, even one that fails.

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
    address = outputs.fqn
    if may_list_workspaces:
        existing = _find_workspace(stack, f"{id_}_workspace", organization, workspace, upstream)
        outputs.add_override("count", f"${{{existing} ? 1 : 0}}")
        address = f"{outputs.fqn}[0]"
    tokens: dict[str, str | list[str]] = {}
    conditions = []
    for field in dataclasses.fields(contract):
        # The provider's values are sensitive as a whole; its nonsensitive_values are the others.
        values = "values" if _is_sensitive(field) else "nonsensitive_values"
        published = f"{address}.{values}.{field.name}"
        missing = json.dumps(missing_value(upstream))
        is_list = types[field.name] == list[str]
        read = TerraformLocal(
            stack,
            f"{upstream}_{field.name}",
            f"${{try({published}, {f'[{missing}]' if is_list else missing})}}",
        )
        read.override_logical_id(f"{upstream}_{field.name}")
        tokens[field.name] = read.as_list if is_list else read.as_string
        conditions.append(
            {
                "condition": f"${{try(length(self.{values}.{field.name}) > 0, false)}}",
                "error_message": (
                    f"Workspace {workspace} publishes no {field.name}. Run cdktf deploy {upstream} "
                    "first; if it is deployed, let it share its state with this workspace."
                ),
            }
        )
    outputs.add_override("lifecycle", {"postcondition": conditions})
    return contract(**tokens)


def missing_value(upstream: str) -> str:
    """Return what stands for an output of ``upstream`` that is missing, in a destroy.

    As the host of a cluster it resolves nowhere, and is what the error then names.
    """
    return f"{upstream}-is-not-deployed.invalid"


def _find_workspace(
    stack: TerraformStack, id_: str, organization: str, workspace: str, upstream: str
) -> str:
    """Return an expression that is true if the workspace exists; a deploy stops where it is not."""
    existing = DataTfeWorkspaceIds(
        stack,
        id_,
        organization=organization,
        names=[workspace],
        lifecycle=TerraformResourceLifecycle(
            postcondition=[
                Postcondition(
                    condition=f'${{contains(keys(self.ids), "{workspace}")}}',
                    error_message=(
                        f"There is no workspace {workspace}. Run cdktf deploy {upstream} first."
                    ),
                )
            ]
        ),
    )
    return f'contains(keys({existing.fqn}.ids), "{workspace}")'


def _is_sensitive(field: dataclasses.Field[Any]) -> bool:
    return bool(field.metadata.get(SENSITIVE, False))
