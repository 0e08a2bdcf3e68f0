"""Draws docs/first-hour.svg, a terminal that plays what docs/first-hour.json has recorded.

The animation is CSS: no script, so it runs in an <img>. Where nothing moves, the last screen shows.
"""

import itertools
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from xml.sax.saxutils import escape

RECORDING: Final = Path(__file__).with_name("first-hour.json")
COLUMNS: Final = 92
ROWS: Final = 30
# Pixels: of a monospaced font of 14 a character is 8.43 wide.
CHARACTER, LINE, BELOW, MARGIN, BAR = 8.43, 20, 5, 16, 40
# Seconds. A wait is cut to MOST; many lines at once follow each other by LEAST.
MOST, LEAST, TYPED, READ, END = 0.7, 0.06, 0.9, 2.5, 10.0


@dataclass(frozen=True)
class Line:
    """A line of output."""

    at: float
    """Seconds since its command began."""
    text: str


@dataclass(frozen=True)
class Step:
    """A command, and what it printed."""

    typed: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Recording:
    """Commands that were run one after the other."""

    date: str
    steps: tuple[Step, ...]

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what ``to_json`` returned."""
        document = json.loads(text)
        steps = (
            Step(each["typed"], tuple(Line(*line) for line in each["lines"]))
            for each in document["steps"]
        )
        return cls(document["date"], tuple(steps))

    def to_json(self) -> str:
        """Return it as JSON."""
        steps = [
            {"typed": step.typed, "lines": [[line.at, line.text] for line in step.lines]}
            for step in self.steps
        ]
        document = {"date": self.date, "steps": steps}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"

    def replacing(self, old: str, new: str) -> Self:
        """Return it with another text in place of one that differs from run to run."""
        return type(self).from_json(self.to_json().replace(old, new))


def kept(said: Sequence[Line], shown: str) -> Iterator[Line]:
    """Yield the lines that match, and in place of others between them how many there were."""
    left_out: list[Line] = []
    for line in said:
        if shown and not re.search(shown, line.text):
            left_out.append(line)
            continue
        if left_out:
            yield Line(left_out[-1].at, f"… {len(left_out)} more lines")
            left_out = []
        yield line
    if left_out:
        yield Line(left_out[-1].at, f"… {len(left_out)} more lines")


def recording() -> Recording:
    """Return the last recording."""
    return Recording.from_json(RECORDING.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Row:
    """A row of the terminal."""

    at: float
    """Seconds since the picture began."""
    text: str
    style: str


def rows(shown: Recording) -> Iterator[Row]:
    """Yield the rows in the order and at the time in which they appear."""
    now = 0.0
    for step in shown.steps:
        yield Row(now, f"$ {step.typed}", "typed")
        now += TYPED
        before = 0.0
        for line in step.lines:
            now += min(MOST, max(LEAST, line.at - before))
            before = line.at
            for part in _wrapped(line.text):
                yield Row(now, part, _style(line.text))
        yield Row(now, "", "said")
        now += READ


def _wrapped(text: str) -> list[str]:
    indent = " " * (len(text) - len(text.lstrip()) + 2)
    return textwrap.wrap(
        text, COLUMNS, subsequent_indent=indent, drop_whitespace=False, break_on_hyphens=False
    ) or [""]


def _style(text: str) -> str:
    if text.startswith("…"):
        return "aside"
    return "well" if re.match(r"\w[\w ]{11} ok  ", text) else "said"


def svg(recorded: Recording) -> str:
    """Return the picture."""
    shown = [*rows(recorded)]
    total = shown[-1].at + END
    groups, reveals, scrolls, count = [], [], [], 0
    for number, (at, found) in enumerate(itertools.groupby(shown, lambda row: row.at)):
        texts = []
        for row in found:
            count += 1
            y = count * LINE - BELOW
            texts.append(f'<text class="{row.style}" y="{y}">{escape(row.text)}</text>')
        groups.append(f'<g class="r r{number}">{"".join(texts)}</g>')
        percent = f"{100 * at / total:.2f}%"
        reveals.append(f"@keyframes r{number} {{ 0% {{ opacity: 0 }} {percent} {{ opacity: 1 }} }}")
        reveals.append(f".r{number} {{ animation-name: r{number} }}")
        scrolls.append(f"{percent} {{ transform: translateY({-_scrolled(count)}px) }}")
    return FRAME.format(
        width=round(COLUMNS * CHARACTER + 2 * MARGIN),
        height=BAR + ROWS * LINE + MARGIN,
        right=round(COLUMNS * CHARACTER + MARGIN),
        bar=BAR,
        screen=ROWS * LINE + MARGIN // 2,
        margin=MARGIN,
        caption=CAPTION.format(date=recorded.date),
        scrolled=_scrolled(count),
        total=f"{total:.1f}",
        reveals="\n".join(reveals),
        scrolls=" ".join(scrolls),
        body="\n".join(groups),
    )


def _scrolled(count: int) -> int:
    """Return by how many pixels the terminal has scrolled after some rows."""
    return max(0, count - ROWS) * LINE


CAPTION: Final = (
    "On stand-ins for AWS, EKS (pods simulated) and Terraform Cloud; approved unasked, waits "
    "shortened; {date}"
)
FRAME: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>The first hour: look, deploy, verify and a first trace, in a terminal</title>
<style>
text {{ white-space: pre;
  font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace }}
.page {{ fill: #0d1117 }} .caption {{ fill: #9da7b3; font: 12px sans-serif }}
.typed {{ fill: #ffffff; font-weight: bold }} .said {{ fill: #c9d1d9 }}
.well {{ fill: #7ee787 }} .aside {{ fill: #8b949e; font-style: italic }}
@media (prefers-reduced-motion: no-preference) {{
.r, .screen {{ animation: {total}s step-end infinite }}
.screen {{ animation-name: scroll }}
@keyframes scroll {{ {scrolls} }}
{reveals}
}}
</style>
<rect class="page" width="100%" height="100%" rx="8"/>
<text class="caption" x="{margin}" y="24">{caption}</text>
<svg x="{margin}" y="{bar}" width="{right}" height="{screen}">
<g class="screen" transform="translate(0 -{scrolled})">
{body}
</g>
</svg>
</svg>
"""
