"""Inputs and outputs of the modules, at their pinned versions."""

import json
from typing import Any

from tests.helpers.checkout import ROOT

INTERFACES: dict[str, Any] = json.loads(
    (ROOT / "tests" / "data" / "module_interfaces.json").read_text(encoding="utf-8")
)
# Arguments of Terraform itself.
META = {"//", "source", "version", "providers", "depends_on"}
