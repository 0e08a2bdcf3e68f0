"""Draws a dashboard as SVG, from the answers to its queries: what Grafana draws, in short."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from xml.sax.saxutils import escape

from in_cluster.dashboards.grafana import COLUMNS, Dashboard, Panel, Unit

# Pixels: a column and a line of the grid, and what is around panels and in them.
COLUMN, LINE, GAP, TOP = 50, 34, 8, 56
LEFT, HEAD, FOOT, LEGEND = 62, 34, 20, 16
TICKS: Final = 4
COLOURS: Final = (
    "#73bf69",
    "#f2cc0c",
    "#5794f2",
    "#ff9830",
    "#b877d9",
    "#ff7383",
    "#8ab8ff",
    "#fade2a",
)
STATES: Final = {"green": "#73bf69", "orange": "#ff9830", "red": "#f2495c"}
# Where a value at a time is in a panel.
Place = Callable[[float, float], tuple[float, float]]
_PREFIXES: Final = ("", "K", "M", "G", "T")


@dataclass(frozen=True)
class Line:
    """A series with its legend."""

    legend: str
    points: Sequence[tuple[float, float]]
    """Seconds since 1970, and values."""

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


def shown(value: float, unit: Unit, decimals: int | None = None) -> str:
    """Return a value as Grafana shows it."""
    if unit == "percentunit":
        return f"{100 * value:.0f} %"
    if unit == "currencyUSD":
        return f"${value:,.{2 if decimals is None else decimals}f}"
    if unit == "s":
        return _duration(value)
    base, ending = {"bytes": (1024, "iB"), "Bps": (1000, "B/s"), "ops": (1000, "/s")}.get(
        unit, (1000, "")
    )
    power = min(int(math.log(value, base)), len(_PREFIXES) - 1) if value >= base else 0
    number = value / base**power
    digits = decimals if decimals is not None and not power else (0 if number >= 10 else 1)  # noqa: PLR2004
    text = f"{number:.{digits}f}".removesuffix(".0")
    after = ending if power or unit != "bytes" else "B"
    return f"{text} {_PREFIXES[power]}{after}".rstrip()


def _duration(seconds: float) -> str:
    if 0 < seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004


def svg(dashboard: Dashboard, lines: Sequence[Sequence[Line]], caption: str) -> str:
    """Return the picture.

    Args:
        dashboard: the dashboard.
        lines: series of each of its panels.
        caption: what the picture says of itself.

    """
    placed = dashboard.placed()
    height = TOP + LINE * max(y + panel.height for panel, _, y in placed) + GAP
    body = "\n".join(
        f'<g transform="translate({x * COLUMN + GAP // 2} {TOP + y * LINE})">'
        f"{''.join(_panel(panel, found))}</g>"
        for (panel, x, y), found in zip(placed, lines, strict=True)
    )
    return FRAME.format(
        width=COLUMNS * COLUMN,
        height=height,
        title=escape(dashboard.title),
        caption=escape(caption),
        body=body,
    )


def _panel(panel: Panel, lines: Sequence[Line]) -> Iterator[str]:
    width, height = panel.width * COLUMN - GAP, panel.height * LINE - GAP
    yield f'<rect class="panel" width="{width}" height="{height}" rx="3"/>'
    yield _text(panel.title, 10, 21, "title")
    draw = {"timeseries": _graph, "stat": _numbers, "bargauge": _bars}[panel.kind]
    yield from draw(panel, lines, width, height)


def _text(text: str, x: float, y: float, style: str, anchor: str = "start") -> str:
    place = f'x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}"'
    return f'<text class="{style}" {place}>{escape(text)}</text>'


def _state(panel: Panel, value: float) -> str:
    passed = [color for threshold, color in panel.thresholds if value >= threshold]
    return STATES[passed[-1] if passed else panel.base]


def _numbers(panel: Panel, lines: Sequence[Line], width: int, height: int) -> Iterator[str]:
    for line in lines[:1]:
        text = shown(line.last, panel.unit, panel.decimals)
        style = f'style="fill:{_state(panel, line.last)}"'
        yield (
            f'<text class="number" x="{width / 2:.0f}" y="{height / 2 + 26:.0f}" '
            f'text-anchor="middle" {style}>{escape(text)}</text>'
        )


def _bars(panel: Panel, lines: Sequence[Line], width: int, height: int) -> Iterator[str]:
    most = panel.maximum or max((line.last for line in lines), default=1) or 1
    step = min(36, (height - HEAD - 6) / max(1, len(lines)))
    longest = width - 210
    for number, line in enumerate(sorted(lines, key=lambda line: line.legend)):
        y = HEAD + number * step
        yield _text(_shortened(line.legend, 20), 10, y + step / 2 + 5, "label")
        yield f'<rect class="empty" x="150" y="{y:.0f}" width="{longest}" height="{step - 8:.0f}"/>'
        share = max(0.005, min(1.0, line.last / most))
        yield (
            f'<rect x="150" y="{y:.0f}" width="{share * longest:.0f}" height="{step - 8:.0f}" '
            f'fill="{_state(panel, line.last)}"/>'
        )
        text = shown(line.last, panel.unit, panel.decimals)
        yield _text(text, width - 8, y + step / 2 + 5, "label", "end")


def _shortened(text: str, length: int) -> str:
    text = text.removeprefix("langfuse-")
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _graph(panel: Panel, lines: Sequence[Line], width: int, height: int) -> Iterator[str]:
    rows = _legend_rows(lines, width)
    bottom, right = height - FOOT - LEGEND * len(rows), width - 10
    values = [value for line in lines for _, value in line.points]
    highest = max([*values, *(threshold for threshold, _ in panel.thresholds)], default=1)
    most = panel.maximum or _nice(highest, 1024 if panel.unit == "bytes" else 1000)
    times = [when for line in lines for when, _ in line.points]
    first, last = min(times, default=0), max(times, default=1)

    def place(when: float, value: float) -> tuple[float, float]:
        x = LEFT + (right - LEFT) * (when - first) / max(1, last - first)
        return x, bottom - (bottom - HEAD) * min(1, max(0, value) / most)

    for tick in range(TICKS + 1):
        value = most * tick / TICKS
        _, y = place(first, value)
        yield f'<path class="grid" d="M{LEFT} {y:.0f}H{right}"/>'
        yield _text(shown(value, panel.unit, panel.decimals), LEFT - 6, y + 4, "tick", "end")
    yield from _hours(first, last, place, bottom)
    for threshold, color in panel.thresholds:
        _, y = place(first, threshold)
        yield f'<path class="limit" stroke="{STATES[color]}" d="M{LEFT} {y:.0f}H{right}"/>'
    for number, line in enumerate(lines):
        at = [place(*point) for point in line.points]
        path = "L".join(f"{x:.0f} {y:.1f}" for x, y in at)
        yield f'<path class="line" stroke="{COLOURS[number % len(COLOURS)]}" d="M{path}"/>'
    for row, entries in enumerate(rows):
        y = height - 8 - LEGEND * (len(rows) - 1 - row)
        for x, number, text in entries:
            colour = COLOURS[number % len(COLOURS)]
            yield f'<rect x="{x:.0f}" y="{y - 6}" width="12" height="3" fill="{colour}"/>'
            yield _text(text, x + 17, y, "legend")


def _hours(first: float, last: float, place: Place, bottom: float) -> Iterator[str]:
    days = last - first > 2 * 86400
    step = 86400 if days else 4 * 3600
    when = math.ceil(first / step) * step
    while when <= last:
        x, _ = place(when, 0)
        form = "%d %b" if days else "%H:%M"
        yield _text(
            datetime.fromtimestamp(when, UTC).strftime(form), x, bottom + 15, "tick", "middle"
        )
        when += step


def _legend_rows(lines: Sequence[Line], width: int) -> list[list[tuple[float, int, str]]]:
    """Return the legends in rows, each with its place and the number of its line."""
    rows: list[list[tuple[float, int, str]]] = [[]]
    x = 12.0
    for number, line in enumerate(lines):
        text = _shortened(line.legend, 34)
        needed = 34 + 6.3 * len(text)
        if x + needed > width - 8 and rows[-1]:
            rows.append([])
            x = 12.0
        rows[-1].append((x, number, text))
        x += needed
    return rows


def _nice(value: float, base: int) -> float:
    """Return the next round number above, in powers of 1000 or of 1024."""
    if value <= 0:
        return 1
    power = float(base ** math.floor(math.log(value, base))) if value >= 1 else base**-1.0
    unit = power * 10.0 ** math.floor(math.log10(value / power))
    return next(unit * step for step in (1, 2, 4, 5, 8, 10, 20) if unit * step >= value)


FRAME: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<title>Dashboard: {title}</title>
<style>
text {{ font: 12px sans-serif; fill: #ccccdc }}
.page {{ fill: #111217 }} .panel {{ fill: #181b1f; stroke: #2c3235 }}
.head {{ font-size: 20px; fill: #ffffff }} .caption {{ fill: #9fa7b3 }}
.title {{ font-size: 14px }} .label {{ font-size: 12px }} .tick {{ font-size: 11px; fill: #9fa7b3 }}
.legend {{ font-size: 11px }} .number {{ font-size: 32px }}
.grid {{ stroke: #2c3235 }} .empty {{ fill: #22262b }}
.line {{ fill: none; stroke-width: 1.3 }} .limit {{ stroke-dasharray: 6 4; fill: none }}
</style>
<rect class="page" width="100%" height="100%"/>
<text class="head" x="12" y="26">{title}</text>
<text class="caption" x="12" y="45">{caption}</text>
{body}
</svg>
"""
