"""The program as a user starts it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from settings import DERIVED
from tests.checkout import clean_environment, copy_checkout
from tests.conftest import BASE_ENV


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    copy_checkout(tmp_path)
    return tmp_path


def run(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "main.py"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def test_untouched_example_synthesizes_three_stacks(checkout: Path) -> None:
    shutil.copy(checkout / ".env.example", checkout / ".env")
    result = run(checkout)
    assert result.returncode == 0
    for stack in ("network", "deps", "app"):
        file = checkout / "cdktf.out" / "stacks" / stack / "cdk.tf.json"
        assert json.loads(file.read_text(encoding="utf-8"))["terraform"]["backend"]
        assert f"cdktf.out/stacks/{stack}/cdk.tf.json" in result.stdout
    assert "total" in result.stdout
    assert result.stderr.startswith("warning: AWS_ACCESS_KEY_ID, ")
    assert "LANGFUSE_ADMIN_PASSWORD" in result.stderr
    assert result.stderr.count("\n") == 1


def test_nfr01_no_secret_is_written_or_printed(checkout: Path) -> None:
    shutil.copy(BASE_ENV, checkout / ".env")
    result = run(checkout)
    assert result.returncode == 0
    for file in (checkout / "cdktf.out").rglob("*"):
        assert file.is_dir() or "do-not-print" not in file.read_text(encoding="utf-8")
    assert "do-not-print" not in result.stdout + result.stderr


def test_stacks_are_ordered(checkout: Path) -> None:
    shutil.copy(BASE_ENV, checkout / ".env")
    run(checkout)
    manifest = json.loads((checkout / "cdktf.out" / "manifest.json").read_text(encoding="utf-8"))
    assert {name: stack["dependencies"] for name, stack in manifest["stacks"].items()} == {
        "network": [],
        "deps": ["network"],
        "app": ["network", "deps"],
    }


@pytest.mark.parametrize("line", [None, "VPC_CIDR=10.0.0.0/28", "NODE_COUNT=0"])
def test_bad_input_is_one_line_and_nothing_is_written(checkout: Path, line: str | None) -> None:
    if line is not None:
        (checkout / ".env").write_text(
            BASE_ENV.read_text(encoding="utf-8") + line, encoding="utf-8"
        )
    result = run(checkout)
    variable = ".env" if line is None else line.partition("=")[0]
    assert result.returncode == 1
    assert result.stdout == ""
    (message,) = result.stderr.splitlines()
    assert message.startswith(f"{variable}: ")
    assert not (checkout / "cdktf.out").exists()


def test_derived_lines_of_the_example_follow_the_eight_variables(checkout: Path) -> None:
    lines = [
        line
        for line in (checkout / ".env.example").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert len(lines) == 8 + len(DERIVED)
    assert [line.partition("=")[0] for line in lines[8:]] == list(DERIVED)
