"""Evaluates Terraform expressions of a synthesized stack with Terraform, and without a provider."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.helpers.checkout import clean_environment
from tests.helpers.stack import Stack

_DATA = re.compile(r"\bdata\.\w+\.(\w+)")


def evaluate(
    program: str,
    folder: Path,
    stack: Stack,
    expression: str,
    answers: Mapping[str, Mapping[str, object]],
) -> dict[str, Any]:
    """Return the value of an expression for each case.

    Args:
        program: path of Terraform.
        folder: where it runs.
        stack: whose locals and data sources the expression may name.
        expression: template, such as the condition of a precondition.
        answers: by the name of the case: what each data source answers, by its name.

    """
    module = folder / "case"
    module.mkdir()
    text = json.dumps(
        {
            "variable": {"answers": {"type": "any"}},
            "locals": stack.json["locals"],
            "output": {"value": {"value": expression}},
        }
    )
    (module / "main.tf.json").write_text(_DATA.sub(r"var.answers.\1", text), encoding="utf-8")
    root = {
        "module": {
            name: {"source": "./case", "answers": dict(answer)} for name, answer in answers.items()
        },
        "output": {name: {"value": f"${{module.{name}.value}}"} for name in answers},
    }
    (folder / "main.tf.json").write_text(json.dumps(root), encoding="utf-8")
    environment = {**clean_environment(), "CHECKPOINT_DISABLE": "1"}

    def run(*arguments: str) -> str:
        return subprocess.check_output(  # noqa: S603 - Terraform
            [program, *arguments], cwd=folder, env=environment, text=True
        )

    run("init", "-input=false")
    run("apply", "-auto-approve", "-input=false")
    outputs = json.loads(run("output", "-json"))
    return {name: each["value"] for name, each in outputs.items()}
