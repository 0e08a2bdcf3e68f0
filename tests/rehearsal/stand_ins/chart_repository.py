"""A Helm chart repository with the charts of a directory, for who cannot read that directory."""

import tarfile
from pathlib import Path
from typing import Any

import yaml

from .loopback import Loopback, Request, Response


class ChartRepository(Loopback):
    """Serves every ``.tgz`` of a directory, and the index of them."""

    def __init__(self, directory: Path) -> None:
        """Serve ``directory``."""
        super().__init__()
        self._directory = directory

    def answer(self, request: Request) -> Response:
        """Answer with the index, or with a chart."""
        name = request.path.removeprefix("/")
        if name == "index.yaml":
            return Response(body=yaml.safe_dump(self._index()).encode())
        chart = self._directory / name
        return Response(body=chart.read_bytes()) if chart.is_file() else Response(404)

    def _index(self) -> dict[str, Any]:
        entries: dict[str, list[dict[str, Any]]] = {}
        for file in sorted(self._directory.glob("*.tgz")):
            chart = _about(file)
            entries.setdefault(chart["name"], []).append({**chart, "urls": [file.name]})
        return {"apiVersion": "v1", "entries": entries}


def _about(file: Path) -> dict[str, Any]:
    with tarfile.open(file) as archive:
        name = min((each for each in archive.getnames() if each.endswith("/Chart.yaml")), key=len)
        text = archive.extractfile(name)
        chart: dict[str, Any] = yaml.safe_load(text.read() if text else b"")
    return chart
