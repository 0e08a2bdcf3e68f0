"""Reads the user's chart values, and refuses what JSON does not have."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import yaml

_YAML: Final = "tag:yaml.org,2002:"
_TAGS: Final = {f"{_YAML}{each}" for each in ("str", "int", "float", "bool", "null", "seq", "map")}
_DATE: Final = f"{_YAML}timestamp"
_LONE_EQUALS_SIGN: Final = f"{_YAML}value"
_MERGE: Final = f"{_YAML}merge"
# A key is text, or << for what YAML merges into the map.
_KEYS: Final = {f"{_YAML}str", _MERGE}
# Larger integers are rounded where numbers of JSON are doubles, as in Node.
_LARGEST_INTEGER: Final = 2**53
# Helm keeps a release in a Secret, of at most 1 MiB.
_LARGEST: Final = 2**20


def parse(text: str) -> dict[str, Any]:
    """Return chart values.

    Raises:
        ValueError: they are faulty; the message has a line where it can, and never a value.

    """
    if len(text) > _LARGEST:
        message = "is larger than 1 MiB; Helm could not keep it"
        raise ValueError(message)
    try:
        _check([*yaml.compose_all(text, Loader=yaml.SafeLoader)])
        values = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        raise ValueError(_not_yaml(text, error.problem_mark)) from None
    except (yaml.YAMLError, RecursionError):
        raise ValueError(_not_yaml(text, None)) from None
    if not isinstance(values, dict):
        message = "holds no mapping of chart values"
        raise ValueError(message)  # noqa: TRY004 - pydantic reports ValueError only
    return values


def changes_manifest(values: Mapping[str, Any], beginning: str) -> str | None:
    """Return the key of a change to one of the release's own manifests, or None.

    A manifest of the user's own has a kind; a change is laid over a manifest that has one.

    Args:
        values: chart values of the user.
        beginning: beginning of the manifests' keys.

    """
    manifests = values.get("extraManifests")
    changes = manifests.items() if isinstance(manifests, Mapping) else ()
    return next(
        (
            key
            for key, manifest in changes
            if key.startswith(beginning)
            and isinstance(manifest, Mapping)
            and "kind" not in manifest
        ),
        None,
    )


def _check(documents: list[yaml.Node]) -> None:
    done: set[yaml.Node] = set()
    for number, problem in (each for node in documents for each in _problems(node, (), done)):
        message = f"line {number} {problem}"
        raise ValueError(message)
    sizes: dict[yaml.Node, int] = {}
    if sum(_size(node, sizes) for node in documents) > _LARGEST:
        message = "is larger than 1 MiB with its aliases written out; Helm could not keep it"
        raise ValueError(message)
    if len(documents) > 1:
        message = "holds more than one document; remove the lines --- and what is not meant"
        raise ValueError(message)


def _not_yaml(text: str, mark: yaml.Mark | None) -> str:
    if mark is None:
        problem = "is not YAML"
    elif text[mark.index : mark.index + 1] == "\t":
        problem = f"line {mark.line + 1} has a tab; use spaces"
    else:
        problem = f"line {mark.line + 1} is not YAML"
    return problem


def _below(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [each for pair in node.value for each in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _size(node: yaml.Node, sizes: dict[yaml.Node, int]) -> int:
    """Return the characters of a node's text, and one for each node, its aliases written out."""
    if node not in sizes:
        own = len(node.value) if isinstance(node, yaml.ScalarNode) else 0
        sizes[node] = 1 + own + sum(_size(each, sizes) for each in _below(node))
    return sizes[node]


def _problems(
    node: yaml.Node, above: tuple[yaml.Node, ...], done: set[yaml.Node]
) -> Iterator[tuple[int, str]]:
    """Yield the lines and problems of a node and of all below it.

    Args:
        node: the node.
        above: the nodes that contain it.
        done: the nodes that need no second look; aliases lead to the same ones.

    """
    line = node.start_mark.line + 1
    if node in above:
        problem = "contains itself; write it out instead of the alias"
        yield line, problem
    elif node in done or node.tag == _MERGE:
        return
    elif node.tag == _DATE:
        problem = "has a date; put it in quotes"
        yield line, problem
    elif node.tag == _LONE_EQUALS_SIGN:
        problem = "has a lone =; put it in quotes"
        yield line, problem
    elif node.tag not in _TAGS:
        problem = "has a tag; remove it"
        yield line, problem
    elif isinstance(node, yaml.ScalarNode):
        yield from ((line, problem) for problem in _problems_of_scalar(node))
    else:
        if isinstance(node, yaml.MappingNode):
            yield from _problems_of_keys([key for key, _ in node.value])
        for each in _below(node):
            yield from _problems(each, (*above, node), done)
    done.add(node)


def _problems_of_keys(keys: list[yaml.Node]) -> Iterator[tuple[int, str]]:
    before = set()
    for key in keys:
        line = key.start_mark.line + 1
        if key.tag not in _KEYS:
            problem = "has a key that is no text; put it in quotes"
            yield line, problem
        elif key.value in before:
            problem = "has a key that is there already; remove one of the two"
            yield line, problem
        else:
            before.add(key.value)


def _problems_of_scalar(node: yaml.ScalarNode) -> Iterator[str]:
    # YAML 1.1 reads 1:30 as 90; Helm does not.
    if ":" in node.value and node.tag in (f"{_YAML}int", f"{_YAML}float"):
        problem = "has a number with a colon; put it in quotes"
        yield problem
    elif not _is_json(node):
        problem = "has what JSON does not, such as NaN or half a character; put numbers in quotes"
        yield problem


def _is_json(node: yaml.ScalarNode) -> bool:
    try:
        value = yaml.SafeLoader("").construct_object(node)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, LookupError):
        return False
    return not isinstance(value, int) or abs(value) <= _LARGEST_INTEGER
