"""Draws docs/dashboard-*.svg: ``uv run --group rehearsal python -m docs.dashboard_pictures``.

A real VictoriaMetrics (``victoria-metrics`` on PATH) is given made-up metrics and answers
each query of each dashboard. Grafana is not there: ``dashboard_svg`` draws in its place.
"""

import re
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import versions
from docs.dashboard_svg import Line, svg
from docs.stand_in_metrics import END, lines
from env_file import load_settings
from in_cluster.dashboards.grafana import Dashboard, Panel
from in_cluster.monitoring_values import dashboards_of
from tests.helpers.checkout import ROOT
from tests.rehearsal.stand_ins.victoria_metrics import PROGRAM, VictoriaMetrics, is_missing

ENV_FILE: Final = ROOT / "tests" / "env" / "accepts.monitoring.env"
# Points of a line.
POINTS: Final = 140
CAPTION: Final = (
    "Answers of VictoriaMetrics {version} to made-up metrics of two t4g.large, drawn by "
    "docs/dashboard_pictures.py in Grafana's place"
)


def picture(dashboard: Dashboard) -> Path:
    """Return the file of a dashboard's picture."""
    return ROOT / "docs" / f"dashboard-{dashboard.uid}.svg"


def answers(metrics: VictoriaMetrics, dashboard: Dashboard) -> list[list[Line]]:
    """Return the series of each panel.

    Raises:
        ValueError: a query is refused, or has no answer.

    """
    return [_answer(metrics, panel, dashboard.hours) for panel in dashboard.panels]


def _answer(metrics: VictoriaMetrics, panel: Panel, hours: int) -> list[Line]:
    found = []
    for legend, query in panel.queries.items():
        if panel.kind == "timeseries":
            step = hours * 3600 // POINTS
            series = metrics.range(query, start=END - hours * 3600, end=END, step=step)
        else:
            series = [{**each, "values": [each["value"]]} for each in metrics.at(query, END)]
        if not series:
            message = f"{panel.title}: no answer to {query}"
            raise ValueError(message)
        found += [_line(legend or panel.title, each) for each in series]
    return found


def _line(legend: str, series: Mapping[str, Any]) -> Line:
    labels: Mapping[str, str] = series["metric"]
    name = re.sub(r"\{\{(\w+)\}\}", lambda found: labels[found[1]], legend)
    points: Sequence[tuple[float, float]] = [(float(w), float(v)) for w, v in series["values"]]
    return Line(name, points)


def main() -> None:
    """Write the pictures."""
    if is_missing():
        sys.exit(f"No picture: {PROGRAM} is not on PATH.")
    caption = CAPTION.format(version=versions.VICTORIA_METRICS_IMAGE)
    with tempfile.TemporaryDirectory() as folder, VictoriaMetrics(Path(folder)) as metrics:
        metrics.take(lines())
        for dashboard in dashboards_of(load_settings(ENV_FILE)):
            text = svg(dashboard, answers(metrics, dashboard), caption)
            picture(dashboard).write_text(text, encoding="utf-8")
            print(f"docs/{picture(dashboard).name}")


if __name__ == "__main__":
    main()
