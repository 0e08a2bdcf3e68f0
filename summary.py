"""A summary of the synthesized stacks and their cost."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pricing.report import read, report


def describe(outdir: Path) -> str:
    """Return the modules, resources and outputs of each stack in ``outdir``, and the bill."""
    stacks = read(outdir)
    lines = []
    for name, stack in stacks.items():
        lines += [str(outdir / "stacks" / name / "cdk.tf.json"), *_contents(stack), ""]
    return "\n".join([*lines, report(stacks)])


def _contents(stack: Mapping[str, Any]) -> list[str]:
    modules = [
        f"{module['source'].split('//modules/')[-1].removesuffix('/aws').split('/')[-1]} "
        f"{module['version']}"
        for module in stack.get("module", {}).values()
    ]
    resources = Counter({kind: len(named) for kind, named in stack.get("resource", {}).items()})
    kinds = [f"{count} {kind}" for kind, count in sorted(resources.items())]
    outputs = list(stack.get("output", {}))
    return [
        f"  {title}: {', '.join(entries)}"
        for title, entries in {
            "modules": modules,
            "resources": kinds,
            "outputs": outputs,
        }.items()
        if entries
    ]
