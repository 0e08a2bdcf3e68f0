"""Extracts the inputs and outputs of Terraform modules from their sources in a mirror.

The mirror is the rehearsal's: ``modules/<namespace>/<name>/<provider>/<version>/`` holds what a
registry would serve, and ``REHEARSAL_MIRROR`` names another place for it.
"""

import json
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import versions

MIRROR: Final = Path("~/.cache/langfuse-on-eks/rehearsal").expanduser()
# Calls of modules that only an option makes.
OF_OPTIONS: Final[Mapping[str, Any]] = {
    "module": {
        "redis": {
            "source": "terraform-aws-modules/elasticache/aws",
            "version": versions.ELASTICACHE_MODULE,
        }
    }
}
# Blocks as `terraform fmt` writes them: both braces at their places, arguments two spaces deep.
BLOCK: Final = r'^{} "(\w+)" \{{\n(.*?)^\}}$'


def mirror_directory() -> Path:
    """Return the mirror's folder, which need not exist."""
    return Path(os.environ.get("REHEARSAL_MIRROR", MIRROR))


def in_table(table: str, stacks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the JSON of every module that the stacks call, or ``table`` without a mirror."""
    modules = mirror_directory() / "modules"
    calls = {
        call["source"]: call["version"]
        for stack in stacks.values()
        for call in stack.get("module", {}).values()
    }
    folders = {
        source: _folder(modules, source, version) for source, version in sorted(calls.items())
    }
    missing = [source for source, folder in folders.items() if not folder.is_dir()]
    if missing:
        print(f"module interfaces: skipped, {modules} has no {missing[0]}", file=sys.stderr)
        return table
    found = {
        source: {
            "inputs": {
                name: "optional" if re.search(r"^  default\s*=", body, re.MULTILINE) else "required"
                for name, body in sorted(_blocks("variable", folder))
            },
            "outputs": sorted(name for name, _ in _blocks("output", folder)),
            "version": calls[source],
        }
        for source, folder in folders.items()
    }
    return json.dumps(found, indent=1) + "\n"


def _folder(modules: Path, source: str, version: str) -> Path:
    module, _, inner = source.partition("//")
    return modules / module / version / inner


def _blocks(kind: str, folder: Path) -> list[tuple[str, str]]:
    texts = [file.read_text(encoding="utf-8") for file in sorted(folder.glob("*.tf"))]
    pattern = re.compile(BLOCK.format(kind), re.MULTILINE | re.DOTALL)
    return [match for text in texts for match in pattern.findall(text)]
