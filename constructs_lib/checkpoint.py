"""A pause that makes Terraform persist its state while a slow resource is being created."""

from collections.abc import Sequence
from typing import Final

from cdktf import DataResource, LocalExecProvisioner
from constructs import Construct

# Terraform persists remote state when a resource completes at least 20 s after the first one, or
# after the previous write (StateHook in internal/backend/local of Terraform 1.11; a shorter
# interval cannot be set).
PAUSE_SECONDS: Final = 21


class Checkpoint(Construct):
    """A 21 s pause, parallel to a slow resource; its end makes Terraform persist the state.

    Creating a cluster or a database takes ten minutes, in which no other resource completes. If
    Terraform were killed then, its state would miss the resources with generated names that it had
    already created.
    """

    def __init__(self, scope: Construct, id_: str, *, after: Sequence[str]) -> None:
        """Create the pause; no resource depends on it.

        Args:
            scope: parent construct.
            id_: construct id.
            after: ids, as tokens, of the resources whose creation the pause waits for.

        """
        super().__init__(scope, id_)
        pause = DataResource(
            self,
            "pause",
            triggers_replace={"after": after},
            provisioners=[
                LocalExecProvisioner(type="local-exec", command=f"sleep {PAUSE_SECONDS}")
            ],
        )
        pause.override_logical_id("checkpoint")
