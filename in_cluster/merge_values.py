"""Deep merge of the user's chart values into ours."""

from collections.abc import Mapping
from typing import Any


def merge_values(values: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values``, deep-merged with ``extra``.

    Mappings are merged. Lists are appended to ours, because every item of ours is needed. Any other
    value replaces ours.
    """
    merged = dict(values)
    for key, value in extra.items():
        ours = merged.get(key)
        if isinstance(ours, Mapping) and isinstance(value, Mapping):
            merged[key] = merge_values(ours, value)
        elif isinstance(ours, list) and isinstance(value, list):
            merged[key] = ours + value
        else:
            merged[key] = value
    return merged
