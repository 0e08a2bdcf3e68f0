"""Runs checkov beside the tests, for it takes as long as all of them."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.stack import Stack

PolicyReport = Callable[[], dict[str, Any]]


@contextmanager
def checking(stacks: dict[str, Stack], folder: Path) -> Iterator[PolicyReport]:
    """Start checkov on the stacks; yield a function that waits for its reports, by framework."""
    for name, stack in stacks.items():
        (folder / f"{name}.tf.json").write_text(json.dumps(stack.json, indent=2), encoding="utf-8")
    template = stacks["deps"].resource("aws_cloudformation_stack")["template_body"]
    (folder / "retained.yaml").write_text(
        yaml.safe_dump({"AWSTemplateFormatVersion": "2010-09-09", **json.loads(template)}),
        encoding="utf-8",
    )
    checkov = str(Path(sys.executable).with_name("checkov"))
    options = ("--skip-download", "--download-external-modules", "false", "--output", "json")
    frameworks = ("--framework", "terraform_json", "cloudformation")
    with subprocess.Popen(  # noqa: S603
        [checkov, "--directory", str(folder), *options, *frameworks],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:

        @cache
        def reports() -> dict[str, Any]:
            found = json.loads(process.communicate()[0])
            return {report["check_type"]: report for report in found}

        yield reports
        process.kill()
