"""Load only the parts of the provider bindings that are used.

A bindings package imports every resource of its provider, 1,500 for AWS, once in Python and once in
Node; docs/performance.md has what that costs. What is synthesized is the same to the byte. Call
``install`` before importing any ``cdktf_cdktf_provider_*``. ``PLAIN_BINDINGS=1`` switches it off.
"""

import gc
import importlib
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
    """Makes a bindings package that has a path, and nothing in it until it is asked for."""

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
    """Tell whether the parts of a bindings package can be imported one by one; warn if not."""
    folders = [Path(folder) for folder in package.submodule_search_locations or ()]
    parts = ("_jsii", "provider")
    if all(any((folder / part / "__init__.py").is_file() for folder in folders) for part in parts):
        return True
    message = f"{package.name} is not laid out as expected: all of it is loaded, which takes longer"
    warnings.warn(message, RuntimeWarning, stacklevel=2)
    return False


def install() -> None:
    """Make Python and the Node process behind CDKTF load bindings lazily.

    It leaves the garbage collector off: a synthesis ends before it would be of use.
    """
    if os.environ.get("PLAIN_BINDINGS") == "1":
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
        options = os.environ.get("NODE_OPTIONS", "")
        os.environ["NODE_OPTIONS"] = f'{options} --require "{NODE_HOOK.as_posix()}"'.strip()
        # What is imported is no garbage, and looking at all of it again and again takes 4 %.
        gc.disable()
