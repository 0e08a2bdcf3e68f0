"""Draws the construct trees and the contracts between them, as Mermaid and as SVG."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final
from xml.sax.saxutils import escape

from contracts import UPSTREAMS, DepsOutputs, NetworkOutputs
from docs.marked_blocks import with_block

if TYPE_CHECKING:
    from cdktf import App
    from constructs import IConstruct

CONTRACTS: Final = {each.PRODUCER: each for each in (NetworkOutputs, DepsOutputs)}
# From, to, and what goes there; neighbours first.
ARROWS: Final = tuple(
    (upstream, reader, CONTRACTS[upstream])
    for reader, upstreams in UPSTREAMS.items()
    for upstream in reversed(upstreams)
)
# Pixels.
COLUMN, GAP, LINE, TOP, MARGIN = 330, 130, 20, 96, 24


@dataclass(frozen=True)
class Part:
    """A construct of ours, what it makes itself, and the constructs within it."""

    name: str
    makes: tuple[str, ...]
    parts: tuple["Part", ...]

    def lines(self) -> list[str]:
        """Return what it makes and holds, a line each."""
        held = (f"{part.name}: {', '.join(part.lines())}".removesuffix(": ") for part in self.parts)
        return [*self.makes, *held]


def parts_of(construct: "IConstruct") -> tuple[Part, ...]:
    """Return the constructs of ``constructs_lib`` directly below."""
    from cdktf import TerraformElement  # noqa: PLC0415 - starts Node

    return tuple(
        Part(type(child).__name__, tuple(_made_by(child)), parts_of(child))
        for child in construct.node.children
        if type(child).__module__.startswith("constructs_lib.")
        and not isinstance(child, TerraformElement)
    )


def _made_by(construct: "IConstruct") -> Iterator[str]:
    from cdktf import TerraformHclModule, TerraformResource  # noqa: PLC0415 - starts Node

    made = [
        re.sub(r"/aws$|^.*/modules/", "", child.source).removeprefix("terraform-aws-modules/")
        if isinstance(child, TerraformHclModule)
        else child.terraform_resource_type
        for child in construct.node.children
        if isinstance(child, TerraformHclModule | TerraformResource)
    ]
    for kind in dict.fromkeys(made):
        count = made.count(kind)
        yield f"{count} \u00d7 {kind}" if count > 1 else kind


def stacks_of(app: "App") -> dict[str, tuple[Part, ...]]:
    """Return the constructs of each stack by the stack's name."""
    return {stack.node.id: parts_of(stack) for stack in app.node.children}


def mermaid(stacks: dict[str, tuple[Part, ...]]) -> str:
    """Return a flowchart."""
    lines = ["flowchart LR"]
    for stack, parts in stacks.items():
        lines.append(f"  subgraph {stack}")
        for part in parts:
            text = "<br>".join([f"<b>{part.name}</b>", *part.lines()])
            lines.append(f'    {stack}_{part.name}["{text}"]')
        lines.append("  end")
    for source, target, contract in ARROWS:
        lines.append(f"  {source} -- {contract.__name__} --> {target}")
    return "\n".join(lines)


def svg(stacks: dict[str, tuple[Part, ...]]) -> str:
    """Return a picture: a column for each stack, arrows for what goes from one to the next."""
    columns = {name: MARGIN + index * (COLUMN + GAP) for index, name in enumerate(stacks)}
    boxes, bottom = [], 0
    for name, x in columns.items():
        y = TOP
        for part in stacks[name]:
            height = LINE * (len(part.lines()) + 2)
            boxes.append(f'<rect class="part" x="{x + 12}" y="{y}" width="{COLUMN - 24}" ')
            boxes[-1] += f'height="{height}" rx="6"/>'
            boxes.append(_text(x + 24, y + 22, part.name, "name"))
            rows = enumerate(part.lines(), start=2)
            boxes += [_text(x + 24, y + LINE * row + 4, line, "made") for row, line in rows]
            y += height + 12
        bottom = max(bottom, y)
    frames = []
    for name, x in columns.items():
        frames.append(f'<rect class="stack" x="{x}" y="44" width="{COLUMN}" ')
        frames[-1] += f'height="{bottom - 44}" rx="10"/>'
        frames.append(_text(x + 16, 72, f"stack {name}", "title"))
    arrows = [_arrow(columns, bottom, *arrow) for arrow in ARROWS]
    width = MARGIN * 2 + COLUMN * len(columns) + GAP * (len(columns) - 1)
    body = "\n".join([*frames, *boxes, *arrows])
    caption = _text(MARGIN, 28, ".env \u2192 Settings \u2192 each stack", "made")
    return FRAME.format(width=width, height=bottom + 70, caption=caption, body=body)


def _arrow(columns: dict[str, int], bottom: int, source: str, target: str, contract: type) -> str:
    label = f"{contract.__name__}, {len(fields(contract))} outputs"
    names = list(columns)
    if names.index(target) - names.index(source) == 1:
        start, end = columns[source] + COLUMN, columns[target]
        name, count = label.split(", ")
        middle = (start + end) / 2
        path = f"M {start} {TOP + 40} H {end - 8}"
        text = _text(middle, TOP + 30, name, "seam") + _text(middle, TOP + 58, count, "seam")
    else:
        start, end = columns[source] + COLUMN // 2, columns[target] + COLUMN // 2
        path = f"M {start} {bottom} V {bottom + 30} H {end} V {bottom + 8}"
        text = _text((start + end) / 2, bottom + 50, label, "seam")
    return f'<path class="arrow" d="{path}"/>{text}'


def _text(x: float, y: float, text: str, style: str) -> str:
    return f'<text class="{style}" x="{x:g}" y="{y:g}">{escape(text)}</text>'


FRAME: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">
<style>
.page {{ fill: #ffffff }} .stack {{ fill: #f3f6fb; stroke: #8da2c0 }}
.part {{ fill: #ffffff; stroke: #b9c6da }} .title {{ font-size: 18px; fill: #1f3a5f }}
.name {{ font-size: 15px; font-weight: bold; fill: #1f2937 }}
.made {{ font-size: 13px; fill: #4b5563 }}
.seam {{ font-size: 12px; fill: #1f3a5f; text-anchor: middle }}
.arrow {{ fill: none; stroke: #1f3a5f; stroke-width: 1.5; marker-end: url(#head) }}
</style>
<defs><marker id="head" markerWidth="8" markerHeight="8" refX="1" refY="4" orient="auto">
<path d="M 0 0 L 8 4 L 0 8 z" fill="#1f3a5f"/></marker></defs>
<rect class="page" width="100%" height="100%"/>
{caption}
{body}
</svg>
"""


def in_page(page: str, stacks: dict[str, tuple[Part, ...]]) -> str:
    """Return docs/architecture.md with the present flowchart."""
    return with_block(page, "diagram", f"```mermaid\n{mermaid(stacks)}\n```")
