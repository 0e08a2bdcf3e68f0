"""Asks checkov what it thinks of the stacks."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.helpers.stack import Stack

PolicyReport = dict[str, Any]
# The stacks of each variant.
Variants = Mapping[str, Mapping[str, Stack]]

FRAMEWORKS = ("terraform_json", "cloudformation")
OPTIONS = ("--skip-download", "--download-external-modules", "false", "--output", "json")
LAST = "policy/last"


# Checkov fails to parse a file with `import` or `moved` blocks or a `required_version`, and says no
# more than "parsing_errors". None of these keys holds anything that it checks.
UNREADABLE = ("import", "moved", "terraform")


def check(variants: Variants, folder: Path, config: pytest.Config) -> PolicyReport:
    """Return checkov's reports, by framework: the last ones, if they were on the same files."""
    files = _files(variants)
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


def file_name(variant: str, stack: str) -> str:
    """Return the name under which a stack's checks are counted in a report."""
    return f"{variant}-{stack}.tf.json"


def _files(variants: Variants) -> dict[str, str]:
    files = {}
    for variant, stacks in variants.items():
        for name, stack in stacks.items():
            readable = {key: part for key, part in stack.json.items() if key not in UNREADABLE}
            files[file_name(variant, name)] = json.dumps(readable, indent=2)
        for name, made in stacks["deps"].json["resource"]["aws_cloudformation_stack"].items():
            template = json.loads(made["template_body"])
            document = {"AWSTemplateFormatVersion": "2010-09-09", **template}
            files[f"{variant}-{name}.yaml"] = yaml.safe_dump(document)
    return files


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
    results = report["results"]
    failed = sorted({check["check_id"] for check in results["failed_checks"]})
    checks = [*results["passed_checks"], *results["failed_checks"]]
    by_file = Counter(check["file_path"].lstrip("/") for check in checks)
    return {**report["summary"], "failed_checks": failed, "by_file": dict(sorted(by_file.items()))}
