"""The source of a Helm chart, and the YAML of its values."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import yaml


class Chart(NamedTuple):
    """Arguments of a ``helm_release`` about its chart."""

    repository: str | None
    chart: str
    version: str | None

    @classmethod
    def at(cls, source: str, *, name: str, version: str) -> Self:
        """Return the chart from a repository, or a local chart, which contains its version.

        Args:
            source: URL of a chart repository, or absolute path of a chart.
            name: name of the chart in the repository.
            version: version to take from the repository.

        """
        return cls(source, name, version) if "://" in source else cls(None, source, None)


class _WithoutAliases(yaml.CSafeDumper):
    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature of the base
        return True


def as_yaml(values: Mapping[str, Any]) -> str:
    """Return chart values as YAML that a plan shows well.

    It is unsorted, has each string on one line, and repeats what occurs twice.
    """
    return yaml.dump(dict(values), Dumper=_WithoutAliases, sort_keys=False, width=1_000_000)
