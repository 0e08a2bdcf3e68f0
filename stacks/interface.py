"""Stack interface: the producer publishes a contract as outputs, readers get it as tokens."""

import dataclasses
import json
from collections.abc import Collection
from typing import Any, TypeVar, get_type_hints

from cdktf import (
    Postcondition,
    TerraformLocal,
    TerraformOutput,
    TerraformResourceLifecycle,
    TerraformStack,
)
from cdktf_cdktf_provider_tfe.data_tfe_outputs import DataTfeOutputs
from cdktf_cdktf_provider_tfe.data_tfe_workspace_ids import DataTfeWorkspaceIds

from contracts import NEXT_STEP, SENSITIVE, Contract, workspace_name
from settings import Settings

ContractT = TypeVar("ContractT", bound=Contract)


def publish(stack: TerraformStack, outputs: Contract) -> None:
    """Write one Terraform output per field of the contract ``outputs``, but for empty ones."""
    for field in dataclasses.fields(outputs):
        if not getattr(outputs, field.name):
            continue
        TerraformOutput(
            stack,
            field.name,
            value=getattr(outputs, field.name),
            sensitive=_is_sensitive(field),
            static_id=True,
        )


def publish_next_steps(stack: TerraformStack, **commands: str) -> None:
    """Write outputs that no stack reads: commands to run after a deploy.

    Args:
        stack: the stack whose deploy shows them.
        commands: commands by name; ``log_in`` becomes the output ``how_to_log_in``.

    """
    for name, command in commands.items():
        TerraformOutput(stack, f"{NEXT_STEP}{name}", value=command, sensitive=False, static_id=True)


def missing_value(producer: str) -> str:
    """Return the fallback for a missing output of ``producer``, used in a destroy.

    As a hostname it never resolves, and the error names the stack.
    """
    return f"{producer}-is-not-deployed.invalid"


def publish_layout(
    stack: TerraformStack, name: str, value: str, *, settings: Settings, error_message: str
) -> str:
    """Write an output that marks a deployment, and refuse to upgrade one that was made without it.

    Returns a Terraform expression: object with the outputs of the last deploy.

    A plan reads the outputs that the last deploy has left in the stack's own workspace. There are
    none before the first deploy and after a destroy. A destroy is not refused: Terraform turns
    failed conditions into warnings.

    Args:
        stack: the stack.
        name: name of the output.
        value: value of the output.
        settings: names of the workspaces.
        error_message: reason and remedy.

    """
    outputs = "try(keys(self.nonsensitive_values), [])"
    condition = f'length({outputs}) == 0 || contains({outputs}, "{name}")'
    deployed = DataTfeOutputs(
        stack,
        "deployed",
        organization=settings.tfc_organization,
        workspace=workspace_name(settings.name, stack.node.id),
        lifecycle=TerraformResourceLifecycle(
            postcondition=[
                Postcondition(condition=f"${{{condition}}}", error_message=error_message)
            ]
        ),
    )
    TerraformOutput(stack, name, value=value, sensitive=False, static_id=True)
    return f"{deployed.fqn}.nonsensitive_values"


def publish_checked(
    stack: TerraformStack, name: str, value: str, *, condition: str, error_message: str
) -> None:
    """Write an output that marks a deployment, and refuse the plan unless a condition holds.

    The value depends on no resource: it is in the state also where the deploy fails half-way. A
    plan of a destroy does not check the condition.
    """
    output = TerraformOutput(stack, name, value=value, sensitive=False, static_id=True)
    # CDKTF takes a precondition of an output, and drops it.
    precondition = {"condition": condition, "error_message": error_message}
    output.add_override("precondition", precondition)


class Upstreams:
    """Outputs of other stacks, read through one ``tfe_outputs`` for each of them."""

    def __init__(self, stack: TerraformStack, *, settings: Settings) -> None:
        """Declare nothing yet; ``read`` does.

        Args:
            stack: the stack that reads.
            settings: names of the workspaces, and whether runs are remote.

        """
        self._stack = stack
        self._settings = settings
        self._workspaces: dict[str, _Workspace] = {}

    def read(self, contract: type[ContractT], without: Collection[str] = ()) -> ContractT:
        """Return the contract with a token in each field.

        Args:
            contract: what to read.
            without: fields that the producer leaves out; they have their defaults.

        """
        producer = contract.PRODUCER
        if producer not in self._workspaces:
            self._workspaces[producer] = _Workspace(self._stack, producer, settings=self._settings)
        return self._workspaces[producer].read(contract, without)


class _Workspace:
    """The ``tfe_outputs`` of a producer, with one postcondition per output.

    If the workspace does not exist, ``tfe_outputs`` fails with no remedy in its message. If the
    workspace has no state, or does not share it, ``tfe_outputs`` returns an empty object. In both
    cases postconditions stop a deploy before it creates anything, and name the command to run.

    They do not stop a destroy: Terraform turns failed conditions into warnings, and each field
    falls back to ``missing_value``. Any destroy of the producer, even a failed one, removes its
    outputs.
    """

    def __init__(self, stack: TerraformStack, producer: str, *, settings: Settings) -> None:
        """Declare the data source."""
        self._stack = stack
        self._producer = producer
        self._workspace = workspace_name(settings.name, producer)
        self._conditions: list[dict[str, str]] = []
        organization = settings.tfc_organization
        self._outputs = DataTfeOutputs(
            stack, producer, organization=organization, workspace=self._workspace
        )
        self._address = self._outputs.fqn
        # The token of a remote run cannot list workspaces; it can read outputs shared with it.
        if not settings.runs_remotely:
            self._outputs.add_override("count", f"${{{self._exists(organization)} ? 1 : 0}}")
            self._address = f"{self._outputs.fqn}[0]"

    def read(self, contract: type[ContractT], without: Collection[str]) -> ContractT:
        tokens: dict[str, Any] = {}
        types = get_type_hints(contract)
        for field in dataclasses.fields(contract):
            if field.name in without:
                continue
            # `values` is sensitive as a whole; nonsensitive_values has the other outputs.
            values = "values" if _is_sensitive(field) else "nonsensitive_values"
            published = f"{self._address}.{values}.{field.name}"
            fallback = json.dumps(missing_value(self._producer))
            is_list = types[field.name] == list[str]
            name = f"{self._producer}_{field.name}"
            local = TerraformLocal(
                self._stack,
                name,
                f"${{try({published}, {f'[{fallback}]' if is_list else fallback})}}",
            )
            local.override_logical_id(name)
            tokens[field.name] = local.as_list if is_list else local.as_string
            self._conditions.append(
                {
                    "condition": f"${{try(length(self.{values}.{field.name}) > 0, false)}}",
                    "error_message": (
                        f"Workspace {self._workspace} publishes no {field.name}. Run cdktf deploy "
                        f"{self._producer} first; if it is deployed, let it share its state with "
                        "this workspace."
                    ),
                }
            )
        self._outputs.add_override("lifecycle", {"postcondition": self._conditions})
        return contract(**tokens)

    def _exists(self, organization: str) -> str:
        """Return an expression, true if the workspace exists; without it a deploy stops."""
        exists = f'contains(keys({{}}.ids), "{self._workspace}")'
        found = DataTfeWorkspaceIds(
            self._stack,
            f"{self._producer}_workspace",
            organization=organization,
            names=[self._workspace],
            lifecycle=TerraformResourceLifecycle(
                postcondition=[
                    Postcondition(
                        condition=f"${{{exists.format('self')}}}",
                        error_message=(
                            f"There is no workspace {self._workspace}. Run cdktf deploy "
                            f"{self._producer} first."
                        ),
                    )
                ]
            ),
        )
        return exists.format(found.fqn)


def _is_sensitive(field: dataclasses.Field[Any]) -> bool:
    return bool(field.metadata.get(SENSITIVE, False))
