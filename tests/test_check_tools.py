"""What is said of the tools on PATH."""

import re
from pathlib import Path

import pytest

import check_tools
import versions
from tests.helpers.checkout import ROOT
from tests.helpers.tools import NEW, install, install_all


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    install_all(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def said(capsys: pytest.CaptureFixture[str]) -> tuple[object, dict[str, str]]:
    with pytest.raises(SystemExit) as exit_info:
        check_tools.main()
    lines = capsys.readouterr().out.splitlines()
    return exit_info.value.code, dict(re.split(r"\s+", line, maxsplit=1) for line in lines)


@pytest.mark.usefixtures("path")
def test_new_enough(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys) == (False, dict.fromkeys(NEW, "ok"))


@pytest.mark.parametrize(
    ("script", "fault"),
    [
        ("echo Terraform v1.10.5", "is 1.10.5, too old; install 1.11.0 or later"),
        ("echo Terraform", "does not say its version; install 1.11.0 or later"),
        (None, "is not on PATH; install 1.11.0 or later"),
    ],
)
def test_fault(
    path: Path, capsys: pytest.CaptureFixture[str], script: str | None, fault: str
) -> None:
    (path / "terraform").unlink()
    if script:
        install(path, "terraform", script)
    assert said(capsys) == (True, {**dict.fromkeys(NEW, "ok"), "terraform": fault})


def test_terraform_is_as_new_as_the_stacks_ask_for() -> None:
    (terraform,) = (tool for tool in check_tools.TOOLS if tool.program == "terraform")
    assert ".".join(map(str, terraform.oldest)).removesuffix(".0") == versions.OLDEST_TERRAFORM


def test_fr30_readme_names_the_same_versions() -> None:
    (line,) = re.findall(r"\*\*Tools\*\*: (.*)\.", (ROOT / "README.md").read_text(encoding="utf-8"))
    for tool, name in zip(check_tools.TOOLS, ("Terraform", "AWS CLI", "kubectl"), strict=True):
        version = ".".join(map(str, tool.oldest)).removesuffix(".0")
        assert f"{name} {version}" in line
