"""Images of Langfuse and ClickHouse that the user's chart values name."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import versions

# Values of the chart that set the tag of Langfuse's images.
_LANGFUSE: Final = ("langfuse", "langfuse.web", "langfuse.worker")
# A release of Langfuse: 3, 3.225, 3.225.11, v4.53.0-rc.1, or one of these with a digest.
_RELEASE: Final = re.compile(r"v?(\d+)(\.|-|@|$)")
_CLICKHOUSE: Final = re.compile(r"(\d+)\.(\d+)")


def of_another_line(values: Mapping[str, Any], major: int) -> str | None:
    """Return which image does not go with this major version of Langfuse, or None.

    A tag that is no version, such as ``latest``, is the user's own responsibility.

    Args:
        values: chart values of the user.
        major: major version of Langfuse.

    """
    for path in _LANGFUSE:
        tag = _tag(values, path)
        release = _RELEASE.match(tag)
        if release and int(release[1]) != major:
            return f"{path}.image.tag is {tag}, an image of Langfuse {release[1]}"
    if major < 4:  # noqa: PLR2004 - Langfuse 4
        return None
    for tag in _clickhouse_tags(values):
        release = _CLICKHOUSE.match(tag)
        if release and (int(release[1]), int(release[2])) < versions.OLDEST_CLICKHOUSE[major]:
            return f"ClickHouse's tag is {tag}, and Langfuse 4 needs 25.12 or later"
    return None


def _tag(values: Mapping[str, Any], path: str) -> str:
    found: Any = values
    for key in (*path.split("."), "image", "tag"):
        found = found.get(key) if isinstance(found, Mapping) else None
    return "" if found is None else str(found)


def _clickhouse_tags(values: object) -> Iterator[str]:
    """Yield the tags of ClickHouse's images: the chart's value, and references in manifests."""
    if isinstance(values, Mapping):
        yield _tag(values, "clickhouse")
        for each in values.values():
            yield from _clickhouse_tags(each)
    elif isinstance(values, list):
        for each in values:
            yield from _clickhouse_tags(each)
    elif isinstance(values, str) and "clickhouse-server:" in values:
        yield values.rpartition("clickhouse-server:")[2]
