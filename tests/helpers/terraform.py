"""Evaluates Terraform expressions of a synthesized stack with Terraform, and without a provider."""

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers.checkout import clean_environment
from tests.helpers.stack import Stack

_DATA = re.compile(r"\bdata\.\w+\.(\w+)")


@dataclass(frozen=True)
class Expression:
    """A template of a stack, such as the condition of a precondition."""

    stack: Stack
    """Has the locals that the template names."""
    template: str

    def write(self, folder: Path) -> None:
        """Write a module with the template's value as output, and data sources as variables."""
        text = json.dumps(
            {
                "variable": {"answers": {"type": "any"}},
                "locals": self.stack.json.get("locals", {}),
                "output": {"value": {"value": self.template}},
            }
        )
        folder.mkdir()
        text = _DATA.sub(r"var.answers.\1", text)
        (folder / "main.tf.json").write_text(text, encoding="utf-8")


def evaluate(
    program: str,
    folder: Path,
    expressions: Mapping[str, Expression],
    answers: Mapping[str, Mapping[str, object]],
) -> dict[str, dict[str, Any]]:
    """Return the value of each expression for each case, by their names.

    Args:
        program: path of Terraform.
        folder: where it runs.
        expressions: what to evaluate, all in one run.
        answers: by the name of the case: what each data source answers, by its name.

    """
    for name, expression in expressions.items():
        expression.write(folder / name)
    # A module for each case, instead of an instance, takes twice as long.
    root = {
        "locals": {"answers": answers},
        "module": {
            name: {
                "source": f"./{name}",
                "for_each": "${toset(keys(local.answers))}",
                "answers": "${local.answers[each.key]}",
            }
            for name in expressions
        },
        "output": {
            name: {"value": f"${{{{for case, found in module.{name} : case => found.value}}}}"}
            for name in expressions
        },
    }
    (folder / "main.tf.json").write_text(json.dumps(root), encoding="utf-8")
    environment = {**clean_environment(), "CHECKPOINT_DISABLE": "1"}
    for command in (["init", "-input=false"], ["apply", "-auto-approve", "-input=false"]):
        subprocess.check_output([program, *command], cwd=folder, env=environment)  # noqa: S603 - Terraform
    state = json.loads((folder / "terraform.tfstate").read_text(encoding="utf-8"))
    return {name: each["value"] for name, each in state["outputs"].items()}
