"""Forms of synthesized JSON that are worth keeping as a snapshot."""

import re
from typing import Any

import yaml


def without_metadata(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Drop CDKTF's own notes, and open the documents inside: JSON is YAML too, a script is not."""
    if isinstance(node, dict):
        return {key: without_metadata(value) for key, value in node.items() if key != "//"}
    if isinstance(node, list):
        return [without_metadata(value) for value in node]
    if isinstance(node, str) and "\n" in node and re.match(r"\{|\w+:\s", node):
        return yaml.load(node, Loader=yaml.CSafeLoader)
    return node
