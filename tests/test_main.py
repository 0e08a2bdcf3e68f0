"""The program as a user starts it."""

import json
from concurrent.futures import Future
from pathlib import Path

import pytest
from cdktf import App

from contracts import STACKS
from env_file import DERIVED
from tests.helpers.synthesis import BASE_ENV, Run


def test_untouched_example_synthesizes_three_stacks(checkout: Path, started: Future[Run]) -> None:
    program = started.result()
    assert program.returncode == 0
    for stack in STACKS:
        file = checkout / "cdktf.out" / "stacks" / stack / "cdk.tf.json"
        assert json.loads(file.read_text(encoding="utf-8"))["terraform"]["backend"]
        assert f"cdktf.out/stacks/{stack}/cdk.tf.json" in program.stdout
    assert "total" in program.stdout
    warning = program.stderr
    assert warning.startswith("warning: AWS_ACCESS_KEY_ID, ")
    assert "LANGFUSE_ADMIN_PASSWORD" in warning
    assert "\nwarning: LANGFUSE_MAJOR: 3 has " in warning
    assert "\\" in str(checkout)
    assert "\nwarning: this checkout: npm and the CDKTF CLI do not start " in warning
    assert warning.count("\n") == 3


def test_nfr01_no_secret_is_written_or_printed(checkout: Path, started: Future[Run]) -> None:
    program = started.result()
    for file in (checkout / "cdktf.out").rglob("*"):
        assert file.is_dir() or "do-not-print" not in file.read_text(encoding="utf-8")
    assert "do-not-print" not in program.stdout + program.stderr


def test_stacks_are_ordered(checkout: Path, started: Future[Run]) -> None:
    assert started.result()
    manifest = json.loads((checkout / "cdktf.out" / "manifest.json").read_text(encoding="utf-8"))
    assert {name: stack["dependencies"] for name, stack in manifest["stacks"].items()} == {
        "network": [],
        "deps": ["network"],
        "app": ["network", "deps"],
    }


@pytest.mark.parametrize("line", [None, "VPC_CIDR=10.0.0.0/28", "NODE_COUNT=0"])
def test_bad_input_is_one_line_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: App, line: str | None
) -> None:
    assert built  # so that what main imports comes in lazily
    import main  # noqa: PLC0415

    monkeypatch.setattr(main, "ENV_FILE", tmp_path / ".env")
    if line is not None:
        text = BASE_ENV.read_text(encoding="utf-8") + line
        (tmp_path / ".env").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit) as stopped:
        main.synthesize(tmp_path / "cdktf.out")
    variable = ".env" if line is None else line.partition("=")[0]
    (message,) = str(stopped.value.code).splitlines()
    assert message.startswith(f"{variable}: ")
    assert not (tmp_path / "cdktf.out").exists()


def test_derived_lines_of_the_example_follow_the_eight_variables(checkout: Path) -> None:
    lines = [
        line
        for line in (checkout / ".env.example").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert len(lines) == 8 + len(DERIVED)
    assert [line.partition("=")[0] for line in lines[8:]] == list(DERIVED)
