"""Checkpoint: a pause that has Terraform store its state."""

from constructs_lib.checkpoint import Checkpoint
from tests.helpers.bare_stack import BareStack


def test_pause_is_longer_than_terraform_s_interval(bare_stack: BareStack) -> None:
    stack = bare_stack(lambda stack: Checkpoint(stack, "checkpoint", after=["vpc-1"]))
    pause = stack.resource("terraform_data", "checkpoint")
    (provisioner,) = pause["provisioner"]
    seconds = int(provisioner["local-exec"]["command"].removeprefix("sleep "))
    # Terraform counts it from the first resource that is done.
    assert seconds > 20
    assert pause["triggers_replace"] == {"after": ["vpc-1"]}
