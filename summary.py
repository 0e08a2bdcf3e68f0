"""Says what was synthesized and what it will cost."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

import costs
from settings import Settings

ORDER: Final = ("network", "deps", "app")


def describe(outdir: Path, settings: Settings) -> str:
    """Return a page about the stacks below ``outdir``, the folder that CDKTF synthesized into."""
    lines = []
    for file in sorted(
        outdir.glob("stacks/*/cdk.tf.json"), key=lambda file: ORDER.index(file.parent.name)
    ):
        lines += [str(file), *_contents(json.loads(file.read_text(encoding="utf-8"))), ""]
    return "\n".join([*lines, *_bill(settings)])


def _contents(stack: dict[str, Any]) -> list[str]:
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


def _bill(settings: Settings) -> list[str]:
    items = costs.monthly(settings)
    unpriced = any(item.usd is None for item in items)
    lines = [
        f"USD a month while it runs, list prices of {costs.PRICED_REGION}, 2026-11-23:",
        *(f"  {item.stack:8} {item.what:32} {_usd(item.usd):>8}" for item in items),
        f"  {'total':41} {_usd(costs.total(items)):>8}"
        + (" and what has no price here" if unpriced else ""),
        f"  {'after cdktf destroy, at most':41} {_usd(costs.total(costs.idle(settings))):>8}",
    ]
    if settings.aws_default_region != costs.PRICED_REGION:
        lines.append(f"  {settings.aws_default_region} may differ by some ten per cent.")
    return lines


def _usd(amount: float | None) -> str:
    return "?" if amount is None else f"{amount:.2f}"
