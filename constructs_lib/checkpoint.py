"""Has Terraform store its state while something slow is being made."""

from collections.abc import Sequence
from typing import Final

from cdktf import DataResource, LocalExecProvisioner
from constructs import Construct

# Terraform stores remote state when a resource is done and 20 s have passed since the first one was
# (StateHook and its interval in Terraform 1.11, internal/backend/local; less cannot be set).
SECONDS: Final = 21


class Checkpoint(Construct):
    """A pause beside a long wait, at whose end Terraform stores what it has made so far.

    A cluster or a database is ten minutes in the making, and nothing else is done meanwhile. Killed
    then, Terraform would not know what it had already made under generated names.
    """

    def __init__(self, scope: Construct, id_: str, *, after: Sequence[str]) -> None:
        """Begin once everything exists whose ids are in ``after``; nothing waits for the end."""
        super().__init__(scope, id_)
        pause = DataResource(
            self,
            "pause",
            triggers_replace={"after": after},
            provisioners=[LocalExecProvisioner(type="local-exec", command=f"sleep {SECONDS}")],
        )
        pause.override_logical_id("checkpoint")
