"""Evaluates the Terraform expressions of a synthesized stack, without Terraform.

It knows as much of the language as ``constructs_lib`` uses in the locals and conditions that the
tests ask for, and fails on the rest.
"""

import base64
import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from types import CodeType, MappingProxyType, SimpleNamespace
from typing import Any

from tests.helpers.stack import Stack

# An expression within a text. No expression here has braces of its own.
_IN_TEXT = re.compile(r"\$\{([^{}]*)\}")

# What is written otherwise in Python. Strings hold none of it.
_IN_PYTHON = (
    (r"\btry\((.+?), ([^,()]+)\)", r"attempt(lambda: \1, \2)"),
    (r'\[for (\w+) in (\S+) : \1 if can\(regex\(("[^"]*"), \1\)\)\]', r"grep(\3, \2)"),
    (r"([\w.]+)\[\*\]\.(\w+)", r'splat(\1, "\2")'),
    (r"\[\*\]", ""),
    (r"(local\.\w+) \? (\[[^\]]*\]) : \[\]", r"(\2 if \1 else [])"),
    (r"(.+) \? (.+) : (.+)", r"(\2 if \1 else \3)"),
    (r"!(?!=)", " not "),
    (r"\|\|", " or "),
    (r"&&", " and "),
)


def _one(items: list[Any]) -> Any:  # noqa: ANN401 - whatever it is
    (item,) = items or [None]
    return item


def _attempt(value: Callable[[], Any], otherwise: Any) -> Any:  # noqa: ANN401
    try:
        return value()
    except (AttributeError, IndexError, TypeError, ValueError):
        return otherwise


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "attempt": _attempt,
    "base64decode": lambda text: base64.b64decode(text, validate=True).decode(),
    "concat": lambda *lists: [each for items in lists for each in items],
    "contains": lambda items, item: item in items,
    "grep": lambda pattern, items: [each for each in items if re.search(pattern, each)],
    "join": lambda separator, items: separator.join(items),
    "keys": lambda mapping: [*vars(mapping)],
    "length": len,
    "one": _one,
    "splat": lambda items, name: [getattr(each, name) for each in items],
    "split": lambda separator, text: text.split(separator),
    "tonumber": int,
}


NOTHING: Mapping[str, object] = MappingProxyType({})


class _Names:
    """Attributes by a look-up."""

    def __init__(self, look_up: Callable[[str], Any]) -> None:
        self._look_up = look_up

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever it is
        return self._look_up(name)


def evaluate(
    stack: Stack,
    text: str,
    answers: Mapping[str, object] = NOTHING,
    self_: Mapping[str, object] = NOTHING,
) -> Any:  # noqa: ANN401 - whatever it is
    """Return the value of an expression in the braces of a template, or of a text with some.

    Args:
        stack: whose locals and data sources it may name.
        text: expression or text.
        answers: of the data sources, by their names without CDKTF's path and hash: the attributes
            of each, or a list of such where the source has a count.
        self_: attributes of ``self``.

    """

    def value(expression: str) -> Any:  # noqa: ANN401
        return eval(_compiled(expression), {**_FUNCTIONS, **names})  # noqa: S307 - our own text

    def resolved(text: str) -> Any:  # noqa: ANN401
        if whole := _IN_TEXT.fullmatch(text):
            return value(whole[1])
        return _IN_TEXT.sub(lambda found: str(value(found[1])), text)

    def source(kind: str, name: str) -> Any:  # noqa: ANN401
        assert name in stack.json["data"][kind]
        return _with_attributes(answers[re.sub(r"^remains_|_[0-9A-F]{8}$", "", name)])

    names = {
        "local": _Names(lambda name: resolved(stack.json["locals"][name])),
        "data": _Names(lambda kind: _Names(lambda name: source(kind, name))),
        "self": _with_attributes(dict(self_)),
    }
    return resolved(text)


@cache
def _compiled(expression: str) -> CodeType:
    for terraform, python in _IN_PYTHON:
        expression = re.sub(terraform, python, expression)
    return compile(expression.strip(), expression, "eval")


def _with_attributes(answer: object) -> Any:  # noqa: ANN401
    return json.loads(json.dumps(answer), object_hook=lambda each: SimpleNamespace(**each))
