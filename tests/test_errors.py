"""Every message of our own is in docs/troubleshooting.md, collected from the code that says it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.helpers.checkout import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
PROGRAM = sorted(
    file
    for pattern in (
        "*.py",
        "stacks/*.py",
        "constructs_lib/*.py",
        "in_cluster/merge_values.py",
        "verification/*.py",
        "replaying/*.py",
        "backing_up/*.py",
        "upgrading/*.py",
        "examples/*",
    )
    for file in ROOT.glob(pattern)
    if file.suffix == ".py"
)
# By these names a message goes to who raises, returns or prints it.
NAMES = {"message", "fault", "problem", "remedy", "_PROBLEMS"}
# What varies: by Python's f-string or, inside of it, by Terraform's template.
VARYING = re.compile(r"\$\{(?:[^{}]|\{\})*\}|\{\}")


def messages(file: Path) -> Iterator[str]:
    """Yield the texts that a user may be shown, with ``{}`` for what varies."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        match node:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name in NAMES:
                yield from texts(value)
            case (
                ast.keyword(arg="error_message", value=value)
                | ast.Assign(targets=[ast.Attribute(attr="error_message")], value=value)
            ):
                yield from texts(value)
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    if isinstance(key, ast.Constant) and key.value == "error_message":
                        yield from texts(value)
            case ast.Call(func=ast.Attribute(attr="exit"), args=[value]):
                yield from texts(value)
            case ast.FunctionDef(name="fault" | "warnings"):
                yield from (text for each in ast.walk(node) for text in spoken(each))


def spoken(node: ast.AST) -> Iterator[str]:
    """Yield what a function returns, or keeps in a dictionary by what it says."""
    if isinstance(node, ast.Return) and node.value and not isinstance(node.value, ast.ListComp):
        yield from texts(node.value)
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            yield from texts(key) if key else ()


def texts(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*texts(node.body), *texts(node.orelse))
    elif isinstance(node, ast.Dict):
        for each in node.values:
            yield from texts(each)


@cache
def cases() -> list[tuple[str, str]]:
    return [
        (file.stem, message)
        for file in PROGRAM
        for message in dict.fromkeys(messages(file))
        if " " in message
    ]


@pytest.mark.parametrize(("said_by", "message"), cases())
def test_message_is_explained(said_by: str, message: str) -> None:
    # The page need not repeat the commands of a message, which are indented, nor what varies.
    said = " ".join(re.sub(r"\n\n(?: {2}.*\n*)+", " {} ", message).split())
    assert re.search(pattern(said), PAGE), f"{said_by}: {said}"


def pattern(said: str) -> str:
    """Return what finds a message, whatever stands in it for what varies."""
    return ".*?".join(re.escape(part) for part in VARYING.split(said))


@pytest.mark.parametrize(
    ("said", "shown", "found"),
    [
        ("NODE_COUNT: is {}, no", "`NODE_COUNT: is 3, no`", True),
        ("the cluster runs ${self.version}. EKS", "the cluster runs 1.36. EKS", True),
        ("the cluster runs ${self.version}. EKS", "the cluster runs. EKS", False),
        ('left: ${join(", ", {})}. Bring it', "left: …. Bring it", True),
        ("[{Key=Project,Value={}}]", "[{Key=Project,Value=langfuse}]", True),
        ("[{Key=Project,Value={}}]", "[Key=Project]", False),
    ],
)
def test_templates_stand_for_anything(said: str, shown: str, *, found: bool) -> None:
    assert bool(re.search(pattern(said), shown)) is found


def test_messages_are_found() -> None:
    assert len(cases()) > 40
