"""Dashboards and panels, and their JSON as Grafana reads it (schema 41, the classic one)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from in_cluster.names import NAMESPACE

# The one source of all panels.
SOURCE: Final = {"type": "prometheus", "uid": "victoria-metrics"}
# Columns of Grafana's grid.
COLUMNS: Final = 24
# Window of rates: ten looks.
RATE: Final = "5m"
# Selects containers of Langfuse's namespace: no cgroup of a whole pod, no pause container.
CONTAINERS: Final = f'namespace="{NAMESPACE}",container!="",container!="POD"'

# Units by Grafana's names.
Unit = Literal["short", "percentunit", "bytes", "s", "ops", "Bps", "currencyUSD", "none"]
# A graph over time, a number, or a bar for each series.
Kind = Literal["timeseries", "stat", "bargauge"]
Color = Literal["green", "orange", "red"]


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel of a dashboard."""

    title: str
    queries: Mapping[str, str]
    """PromQL by legends; ``{{label}}`` in a legend stands for a label of the series."""
    says: str
    """What it answers, and where to go on; shown at its title."""
    unit: Unit = "short"
    kind: Kind = "timeseries"
    width: int = 12
    """Columns, of ``COLUMNS``."""
    height: int = 8
    base: Color = "green"
    """Its colour below all thresholds."""
    thresholds: Sequence[tuple[float, Color]] = ()
    """Values from which it has another colour."""
    maximum: float | None = None
    """End of the axis or of the bars; None for the highest value."""
    decimals: int | None = None

    def model(self, number: int, x: int, y: int) -> dict[str, Any]:
        """Return the JSON of the panel at a place of the grid."""
        steps: list[dict[str, Any]] = [{"color": self.base, "value": None}]
        steps += [{"color": color, "value": value} for value, color in self.thresholds]
        defaults: dict[str, Any] = {
            "unit": self.unit,
            "min": 0,
            "thresholds": {"mode": "absolute", "steps": steps},
        }
        if self.maximum is not None:
            defaults["max"] = self.maximum
        if self.decimals is not None:
            defaults["decimals"] = self.decimals
        if self.kind == "timeseries":
            defaults["custom"] = {
                "fillOpacity": 10,
                "lineWidth": 1,
                "thresholdsStyle": {"mode": "dashed" if self.thresholds else "off"},
            }
        return {
            "id": number,
            "type": self.kind,
            "title": self.title,
            "description": self.says,
            "datasource": SOURCE,
            "gridPos": {"x": x, "y": y, "w": self.width, "h": self.height},
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": _OPTIONS[self.kind],
            "targets": [
                {
                    "refId": chr(ord("A") + position),
                    "datasource": SOURCE,
                    "expr": query,
                    "legendFormat": legend,
                    "instant": self.kind != "timeseries",
                    "range": self.kind == "timeseries",
                }
                for position, (legend, query) in enumerate(self.queries.items())
            ],
        }


@dataclass(frozen=True, kw_only=True)
class Dashboard:
    """A dashboard, with its panels in rows as they fit."""

    uid: str
    """Its id in Grafana's addresses, and the name of its file."""
    title: str
    """The question that it answers."""
    panels: Sequence[Panel]
    hours: int = 24
    """Hours that it shows."""

    def placed(self) -> list[tuple[Panel, int, int]]:
        """Return each panel with its column and its line of the grid."""
        found, x, y, height = [], 0, 0, 0
        for panel in self.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            found.append((panel, x, y))
            x, height = x + panel.width, max(height, panel.height)
        return found

    def model(self) -> dict[str, Any]:
        """Return the JSON of the dashboard."""
        return {
            "uid": self.uid,
            "title": self.title,
            "tags": ["langfuse"],
            "schemaVersion": 41,
            "editable": True,
            "graphTooltip": 1,
            "refresh": "1m",
            "time": {"from": f"now-{self.hours}h", "to": "now"},
            "timezone": "browser",
            # To the other dashboards.
            "links": [
                {"type": "dashboards", "tags": ["langfuse"], "asDropdown": False, "title": ""}
            ],
            "panels": [
                panel.model(number, x, y)
                for number, (panel, x, y) in enumerate(self.placed(), start=1)
            ],
        }


_LAST: Final = {"calcs": ["lastNotNull"], "fields": "", "values": False}
_OPTIONS: Final[Mapping[Kind, Mapping[str, Any]]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {"reduceOptions": _LAST, "colorMode": "value", "graphMode": "none"},
    "bargauge": {"reduceOptions": _LAST, "orientation": "horizontal", "displayMode": "basic"},
}
