"""Asks checkov what it thinks of the stacks."""

import hashlib
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack import Stack

PolicyReport = dict[str, Any]

FRAMEWORKS = ("terraform_json", "cloudformation")
OPTIONS = ("--skip-download", "--download-external-modules", "false", "--output", "json")
LAST = "policy/last"


def check(stacks: dict[str, Stack], folder: Path, config: pytest.Config) -> PolicyReport:
    """Return checkov's reports, by framework: the last ones, if they were on the same files."""
    files = _files(stacks)
    question = [version("checkov"), *FRAMEWORKS, *OPTIONS, files]
    digest = hashlib.sha256(json.dumps(question).encode()).hexdigest()
    assert config.cache
    last = config.cache.get(LAST, {})
    if last.get("digest") == digest:
        return dict(last["reports"])
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    reports = _checkov(folder)
    config.cache.set(LAST, {"digest": digest, "reports": reports})
    return reports


def _files(stacks: dict[str, Stack]) -> dict[str, str]:
    template = stacks["deps"].resource("aws_cloudformation_stack")["template_body"]
    document = {"AWSTemplateFormatVersion": "2010-09-09", **json.loads(template)}
    return {
        **{f"{name}.tf.json": json.dumps(stack.json, indent=2) for name, stack in stacks.items()},
        "retained.yaml": yaml.safe_dump(document),
    }


def _checkov(folder: Path) -> PolicyReport:
    program = str(Path(sys.executable).with_name("checkov"))
    said = subprocess.run(  # noqa: S603
        [program, "--directory", str(folder), *OPTIONS, "--framework", *FRAMEWORKS],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,  # it fails for each check that does
    ).stdout
    return {report["check_type"]: _summary(report) for report in json.loads(said)}


def _summary(report: dict[str, Any]) -> dict[str, Any]:
    failed = sorted({check["check_id"] for check in report["results"]["failed_checks"]})
    return {**report["summary"], "failed_checks": failed}
