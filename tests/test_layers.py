"""Imports go one way: no module imports one of a layer above it, and none is in a cycle."""

import ast
from functools import cache
from graphlib import TopologicalSorter
from typing import Final

from tests.helpers.checkout import ROOT

# From the bottom. A module may import modules of its own layer, of lower ones, and no others.
LAYERS: Final = (
    (
        "versions.py",
        "check_tools.py",
        "zones.py",
        "images.py",
        "own_clickhouse.py",
        "own_images.py",
        "sizing.py",
        "contracts.py",
        "env_lines.py",
        "faults.py",
        "extra_environment.py",
        "extra_values.py",
        "progress.py",
        "security_patches.py",
        "setting_types.py",
        "address_types.py",
        "awake_types.py",
        "schedule_types.py",
        "access_types.py",
        "network_lines.py",
        "shell_variables.py",
        "lazy_bindings/*.py",
    ),
    ("setting_fields.py", "option_fields.py", "option_views.py", "settings.py"),
    (
        "alarms.py",
        "deployer_policies.py",
        "env_file.py",
        "in_cluster/*.py",
        "in_cluster/dashboards/*.py",
        "retained/*.py",
        "pricing/*.py",
    ),
    ("constructs_lib/*.py", "verification/*.py"),
    (
        "stacks/base.py",
        "stacks/interface.py",
        "stacks/release_secrets.py",
        "stacks/alarms.py",
        "stacks/hours.py",
        "stacks/roles.py",
        "backing_up/*.py",
        "replaying/*.py",
        "summary.py",
    ),
    ("preflight/*.py", "upgrading/*.py", "capacity/*.py"),
    ("stacks/network.py", "stacks/deps.py", "stacks/app.py", "stacks/workspaces.py"),
    ("main.py", "verify.py", "check_account.py"),
    (
        "costs.py",
        "awake.py",
        "backups.py",
        "upgrade.py",
        "replay.py",
        "benchmarks/*.py",
        "docs/*.py",
        "examples/*.py",
    ),
)
# Data, which needs no construct.
PLAIN: Final = (
    "in_cluster/",
    "retained/",
    "pricing/",
    "verification/",
    "replaying/",
    "backing_up/",
    "preflight/",
    "upgrading/",
    "capacity/",
)


@cache
def layers() -> dict[str, int]:
    """Return the layer of every file of the program."""
    return {
        file.relative_to(ROOT).as_posix(): layer
        for layer, patterns in enumerate(LAYERS)
        for pattern in patterns
        for file in ROOT.glob(pattern)
        if file.name != "__init__.py" or "lazy_bindings" in pattern
    }


FILES: Final = tuple(layers())


def test_every_module_has_a_layer() -> None:
    packages = {file.parent for file in ROOT.glob("*/__init__.py")} - {ROOT / "tests"}
    modules = [*ROOT.glob("*.py"), *(file for each in packages for file in each.glob("*.py"))]
    named = {file.relative_to(ROOT).as_posix() for file in modules if file.name != "__init__.py"}
    assert named <= set(FILES)


def test_imports_go_down() -> None:
    layer = layers()
    upward = {(file, name) for file in FILES for name in inside(file) if layer[name] > layer[file]}
    assert not upward


def test_no_import_is_in_a_cycle() -> None:
    order = [*TopologicalSorter({file: inside(file) for file in FILES}).static_order()]
    assert order.index("contracts.py") < order.index("main.py")


def test_stacks_do_not_import_each_other() -> None:
    stacks = {f"stacks/{name}.py" for name in ("network", "deps", "app", "workspaces")}
    for stack in stacks:
        assert not (inside(stack) & stacks)


def test_only_constructs_and_stacks_need_cdktf() -> None:
    """Neither by themselves nor by another file of the project."""
    plain = [
        file
        for file, layer in layers().items()
        if layer <= layers()["settings.py"] or file.startswith((*PLAIN, "env_file"))
    ]
    needing = {
        file
        for file in plain
        for name in reached(file)
        if name.partition(".")[0] == "constructs" or "cdktf" in name
    }
    assert len(plain) > 20
    assert not needing


def test_constructs_lib_holds_constructs() -> None:
    bases = {
        file.name: {
            base.id
            for node in ast.parse(file.read_text(encoding="utf-8")).body
            if isinstance(node, ast.ClassDef)
            for base in node.bases
            if isinstance(base, ast.Name)
        }
        for file in ROOT.glob("constructs_lib/*.py")
        if file.name != "__init__.py"
    }
    kinds = {"Construct", "Password", "Release", "TerraformVariable"}
    assert [name for name, found in bases.items() if not found & kinds] == []


def test_every_construct_is_tested_alone() -> None:
    constructs = {file.stem for file in ROOT.glob("constructs_lib/*.py")} - {"__init__"}
    assert {f"test_{name}" for name in constructs} == {
        file.stem for file in ROOT.glob("tests/constructs/test_*.py")
    }


def test_imports_are_followed() -> None:
    """Into ``from package import module`` as well."""
    for file, behind in (("costs.py", "cdktf"), ("pricing/report.py", "yaml")):
        assert behind not in imported(file)
        assert behind in reached(file)


def inside(file: str) -> set[str]:
    """Return the files of the project that a file imports."""
    candidates = {
        each
        for name in imported(file)
        for each in (f"{name.replace('.', '/')}.py", f"{name.replace('.', '/')}/__init__.py")
    }
    return candidates.intersection(FILES)


def reached(file: str) -> set[str]:
    """Return the names that a file and the project's files behind its imports import."""
    names: set[str] = set()
    waiting = [file]
    while waiting:
        names |= imported(waiting[-1])
        found = inside(waiting.pop())
        waiting += [each for each in found if each not in waiting]
    return names


@cache
def imported(file: str) -> frozenset[str]:
    """Return what a file imports; ``from a import b`` is both, as ``b`` may be a module."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names} | {f"{node.module}"}
    return frozenset(names)
