"""Where a chart comes from, and how its values are written."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import yaml


class Chart(NamedTuple):
    """What a Helm release is told of its chart."""

    repository: str | None
    chart: str
    version: str | None

    @classmethod
    def at(cls, source: str, *, name: str, version: str) -> Self:
        """Return the chart ``name`` at this version; a local chart has a version of its own.

        Args:
            source: URL of a chart repository, or absolute path of a chart.
            name: of the chart in its repository.
            version: to take from the repository.

        """
        return cls(source, name, version) if "://" in source else cls(None, source, None)


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return chart values as a plan shows them: in our order, and each text on one line."""
    return yaml.dump(dict(values), Dumper=yaml.CSafeDumper, sort_keys=False, width=1_000_000)
