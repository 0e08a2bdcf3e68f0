"""Forms of synthesized JSON that are worth keeping as a snapshot."""

import re
from typing import Any, Final

import yaml

# What the second of two documents lacks of the first, and what it has besides.
LACKS: Final = "-"
HAS: Final = "+"


def without_metadata(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Drop CDKTF's own notes, and open the documents inside: JSON is YAML too, a script is not."""
    if isinstance(node, dict):
        return {key: without_metadata(value) for key, value in node.items() if key != "//"}
    if isinstance(node, list):
        return [without_metadata(value) for value in node]
    if isinstance(node, str) and "\n" in node and re.match(r"\{|\w+:\s", node):
        return yaml.load(node, Loader=yaml.CSafeLoader)
    return node


def difference(before: Any, after: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return what differs, at its place: ``-`` is before only, ``+`` is after only.

    Of a list it is the items that come or go; or all of it, if the order of the others changes.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        return {
            key: difference(before[key], after[key])
            if key in before and key in after
            else {LACKS: before[key]}
            if key in before
            else {HAS: after[key]}
            for key in sorted({*before, *after})
            if key not in before or key not in after or before[key] != after[key]
        }
    if isinstance(before, list) and isinstance(after, list):
        gone = [item for item in before if item not in after]
        come = [item for item in after if item not in before]
        kept = [item for item in before if item in after]
        if kept == [item for item in after if item in before]:
            return {sign: items for sign, items in ((LACKS, gone), (HAS, come)) if items}
    return {LACKS: before, HAS: after}
