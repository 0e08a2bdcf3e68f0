"""How a stack reads what the stacks before it published."""

from typing import TYPE_CHECKING, TypeVar

from cdktf import TerraformStack

from constructs_lib.stack_outputs import read
from settings import Settings
from stacks.base import workspace_name

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

ContractT = TypeVar("ContractT", bound="DataclassInstance")


def read_from(
    upstream: str,
    contract: type[ContractT],
    *,
    stack: TerraformStack,
    settings: Settings,
    id_: str | None = None,
) -> ContractT:
    """Return a contract of the stack ``upstream`` of the same installation, as tokens.

    A second contract of one stack needs an ``id_`` of its own.
    """
    return read(
        stack,
        contract,
        upstream=upstream,
        organization=settings.tfc_organization,
        workspace=workspace_name(settings, upstream),
        may_list_workspaces=not settings.runs_remotely,
        id_=id_,
    )
