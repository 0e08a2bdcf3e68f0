"""A construct alone on a stack: no settings, no provider, no other construct."""

import inspect
import json
from collections.abc import Callable
from pathlib import Path

from cdktf import App, TerraformOutput, TerraformStack, Testing
from constructs import Construct

from tests.helpers.stack import Stack

BareStack = Callable[[Callable[[TerraformStack], Construct]], Stack]


def synthesize(make: Callable[[TerraformStack], Construct], outdir: Path) -> Stack:
    """Return the stack that ``make`` puts its construct into.

    Every annotated attribute of the construct becomes an output of the same name, so that a test
    can see what a token refers to.

    Args:
        make: creates the construct in the stack that it is given.
        outdir: folder that CDKTF creates its own in; it stays empty.

    """
    stack = TerraformStack(App(outdir=str(outdir)), "bare")
    construct = make(stack)
    for name in inspect.get_annotations(type(construct)):
        value = getattr(construct, name)
        if isinstance(value, str | list):
            TerraformOutput(stack, name, value=value, static_id=True)
    return Stack(json.loads(Testing.synth(stack)))
