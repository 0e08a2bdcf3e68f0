"""Remembers the type hints by which jsii checks the arguments of each call."""

import typing
from collections.abc import Callable
from functools import cache, wraps
from typing import Any

# Generated bindings declare a function of this name for each method, and ask for its hints at each
# call of the method. The tests construct the same things hundreds of times, and this took a tenth
# of their time.
STUB = "_typecheckingstub__"


def remember() -> None:
    """Evaluate the hints of each such function once."""
    evaluate = typing.get_type_hints
    typing.get_type_hints = _remembering(evaluate)


def _remembering(evaluate: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    once = cache(evaluate)

    @wraps(evaluate)
    def hints(subject: Any, *arguments: Any, **options: Any) -> dict[str, Any]:  # noqa: ANN401
        is_stub = getattr(subject, "__name__", "").startswith(STUB)
        return (once if is_stub else evaluate)(subject, *arguments, **options)

    return hints
