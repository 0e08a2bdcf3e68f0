"""Reads the user's chart values, and refuses what JSON does not have."""

import json
from collections.abc import Iterator
from typing import Any, Final

import yaml

_YAML: Final = "tag:yaml.org,2002:"
_TAGS: Final = {f"{_YAML}{each}" for each in ("str", "int", "float", "bool", "null", "seq", "map")}
_DATE: Final = f"{_YAML}timestamp"
# A key is text, or << for what YAML merges into the map.
_KEYS: Final = {f"{_YAML}str", f"{_YAML}merge"}
# Larger integers are rounded where numbers of JSON are doubles, as in Node.
_LARGEST_INTEGER: Final = 2**53


def parse(text: str) -> dict[str, Any]:
    """Return chart values.

    Raises:
        ValueError: they are faulty; the message has a line where it can, and never a value.

    """
    try:
        documents = [*yaml.compose_all(text, Loader=yaml.SafeLoader)]
        for number, problem in (each for node in documents for each in _problems(node, ())):
            message = f"line {number} {problem}"
            raise ValueError(message)
        values = yaml.safe_load(text) if len(documents) == 1 else None
    except (yaml.YAMLError, RecursionError):
        message = "is not YAML"
        raise ValueError(message) from None
    if len(documents) > 1:
        message = "holds more than one document; remove the lines --- and what is not meant"
        raise ValueError(message)
    if not isinstance(values, dict):
        message = "holds no mapping of chart values"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueError only
    return values


def _problems(node: yaml.Node, above: tuple[yaml.Node, ...]) -> Iterator[tuple[int, str]]:
    """Yield the lines and problems of a node and of all below it.

    Args:
        node: the node.
        above: the nodes that contain it.

    """
    line = node.start_mark.line + 1
    if any(node is each for each in above):
        problem = "contains itself; write it out instead of the alias"
        yield line, problem
        return
    if node.tag not in _TAGS:
        problem = "has a date; put it in quotes" if node.tag == _DATE else "has a tag; remove it"
        yield line, problem
        return
    if isinstance(node, yaml.ScalarNode):
        if not _is_json(node):
            problem = (
                "has what JSON does not, such as NaN or half a character; put numbers in quotes"
            )
            yield line, problem
        return
    below = node.value
    if isinstance(node, yaml.MappingNode):
        yield from _problems_of_keys([key for key, _ in node.value])
        below = [each for pair in node.value for each in pair]
    for each in below:
        if each.tag != f"{_YAML}merge":
            yield from _problems(each, (*above, node))


def _problems_of_keys(keys: list[yaml.Node]) -> Iterator[tuple[int, str]]:
    for position, key in enumerate(keys):
        line = key.start_mark.line + 1
        if key.tag not in _KEYS:
            problem = "has a key that is no text; put it in quotes"
            yield line, problem
        elif any(key.value == each.value for each in keys[:position]):
            problem = "has a key that is there already; remove one of the two"
            yield line, problem


def _is_json(node: yaml.ScalarNode) -> bool:
    try:
        value = yaml.SafeLoader("").construct_object(node)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, LookupError):
        return False
    return not isinstance(value, int) or abs(value) <= _LARGEST_INTEGER
