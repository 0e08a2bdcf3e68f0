"""Deep merge of the user's chart values into ours."""

from collections.abc import Mapping
from typing import Any


class MergeError(Exception):
    """The user's values would delete some of ours; the message is one line, without a value."""


def merge_values(
    values: Mapping[str, Any], extra: Mapping[str, Any], *above: str
) -> dict[str, Any]:
    """Return ``values``, deep-merged with ``extra``.

    Mappings are merged. Lists are appended to ours, because every item of ours is needed. Anything
    else replaces ours, and must be of its kind.

    Args:
        values: ours.
        extra: the user's.
        above: the keys of both, in all values.

    Raises:
        MergeError: one of the user's values is of another kind than ours.

    """
    merged = dict(values)
    for key, value in extra.items():
        ours = merged.get(key)
        if ours is not None and _kind(ours) != _kind(value):
            path = ".".join((*above, key))
            remedy = "remove the line or fill it" if value is None else f"make it {_kind(ours)}"
            message = (
                f"LANGFUSE_EXTRA_VALUES: {path} is {_kind(value)} in it, which would delete ours; "
                f"{remedy}"
            )
            raise MergeError(message)
        if isinstance(ours, Mapping) and isinstance(value, Mapping):
            merged[key] = merge_values(ours, value, *above, key)
        elif isinstance(ours, list) and isinstance(value, list):
            merged[key] = ours + value
        else:
            merged[key] = value
    return merged


def _kind(value: object) -> str:
    if isinstance(value, Mapping):
        return "a map"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true or false"
    return "empty" if value is None else "text or a number"
