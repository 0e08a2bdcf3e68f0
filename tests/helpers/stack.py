"""A synthesized stack, to ask questions of."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from contracts import NEXT_STEP


@dataclass(frozen=True)
class Stack:
    """The JSON that Terraform is given, by its parts."""

    json: dict[str, Any]

    @classmethod
    def read(cls, outdir: Path, name: str) -> "Stack":
        file = outdir / "stacks" / name / "cdk.tf.json"
        return cls(json.loads(file.read_text(encoding="utf-8")))

    @property
    def text(self) -> str:
        return json.dumps(self.json)

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        return cast("dict[str, dict[str, Any]]", self.json.get("output", {}))

    @property
    def modules(self) -> dict[str, dict[str, Any]]:
        return cast("dict[str, dict[str, Any]]", self.json.get("module", {}))

    def module(self, source: str) -> dict[str, Any]:
        """Return the only call of the module with this source."""
        (module,) = [call for call in self.modules.values() if call["source"] == source]
        return module

    def module_address(self, source: str) -> str:
        (address,) = [key for key, call in self.modules.items() if call["source"] == source]
        return f"module.{address}"

    @property
    def published(self) -> dict[str, Any]:
        """Outputs for other stacks, without the hints for people."""
        return {name: each for name, each in self.outputs.items() if not name.startswith(NEXT_STEP)}

    def resource(self, kind: str, name: str | None = None) -> dict[str, Any]:
        """Return the resource of this name, or the only one of this type."""
        found = self.json["resource"][kind]
        if name:
            return cast("dict[str, Any]", found[name])
        (resource,) = found.values()
        return cast("dict[str, Any]", resource)

    def template(self, name: str) -> dict[str, Any]:
        """Return the template of a CloudFormation stack, as CloudFormation reads it."""
        body: str = self.resource("aws_cloudformation_stack", name)["template_body"]
        return cast("dict[str, Any]", json.loads(body.replace("$${", "${")))

    def resources(self, kind: str) -> list[dict[str, Any]]:
        return list(self.json.get("resource", {}).get(kind, {}).values())

    def data(self, kind: str, name: str | None = None) -> dict[str, Any]:
        found = self.json["data"][kind]
        return cast("dict[str, Any]", found[name] if name else next(iter(found.values())))

    def module_references(self) -> set[tuple[str, str]]:
        """Return every ``module.NAME.OUTPUT`` in the stack, as name and output."""
        return set(re.findall(r"module\.([\w-]+)\.(\w+)", self.text))
