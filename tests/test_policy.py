"""What checkov says of the synthesized JSON, and of the CloudFormation template inside it.

It sees the stacks' own resources and module calls, not what the modules make of them.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.stack import Stack

# Every check that does not pass, and why that is meant.
ACCEPTED = {
    "terraform_json": {
        "CKV_TF_1": "registry modules are pinned by exact version; commits need another source",
        "CKV_AWS_124": "nobody listens: whoever deploys watches the deploy",
        "CKV_AWS_394": "only the first two zones are taken, and new ones sort behind them",
    },
    "cloudformation": {
        "CKV_AWS_18": "access logs would need a second bucket that outlives everything",
        "CKV_AWS_149": "a key of one's own costs $1 a month and, once deleted, loses the secret",
    },
}
# If a check is no longer run, its green means nothing.
CHECKS = {"terraform_json": 19, "cloudformation": 10}


@pytest.fixture(scope="session")
def folder(stacks: dict[str, Stack], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("policy")
    for name, stack in stacks.items():
        (folder / f"{name}.tf.json").write_text(json.dumps(stack.json, indent=2), encoding="utf-8")
    template = stacks["deps"].resource("aws_cloudformation_stack")["template_body"]
    (folder / "retained.yaml").write_text(
        yaml.safe_dump({"AWSTemplateFormatVersion": "2010-09-09", **json.loads(template)}),
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize("framework", ACCEPTED)
def test_policy(folder: Path, framework: str) -> None:
    report = run_checkov(folder, framework)
    failed = {check["check_id"] for check in report["results"]["failed_checks"]}
    summary = report["summary"]
    assert failed == set(ACCEPTED[framework])
    assert summary["parsing_errors"] == 0
    assert summary["passed"] + summary["failed"] == CHECKS[framework]


def run_checkov(folder: Path, framework: str) -> dict[str, Any]:
    checkov = Path(sys.executable).with_name("checkov")
    result = subprocess.run(  # noqa: S603
        [
            checkov,
            "--directory",
            folder,
            "--framework",
            framework,
            "--output",
            "json",
            "--skip-download",
            "--download-external-modules",
            "false",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    report: dict[str, Any] = json.loads(result.stdout)
    return report
