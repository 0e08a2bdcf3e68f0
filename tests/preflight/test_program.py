"""check_account.py as it is called: its exit code, and the lines before those of the accounts."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

import check_account
from preflight.inquiry import Inquiry
from tests.helpers.aws_answers import denied
from tests.helpers.preflight import READY, TFC, Asked
from tests.helpers.tools import install_all

Program = Callable[[], tuple[object, list[str]]]


@pytest.fixture
def run(
    asked: Asked,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Program:
    """Return a function that runs the program, and returns its exit code and its lines."""
    install_all(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    http = asked.inquiry().http
    monkeypatch.setattr(check_account, "ENV_FILE", asked.env_file)
    monkeypatch.setattr(check_account, "account_of", lambda *_, **__: asked.account)
    monkeypatch.setattr("check_account.httpx.Client", lambda **_: http)

    def program() -> tuple[object, list[str]]:
        with pytest.raises(SystemExit) as exit_info:
            check_account.main()
        return exit_info.value.code, capsys.readouterr().out.splitlines()

    return program


def test_tools_come_first_and_warnings_do_not_fail(asked: Asked, run: Program) -> None:
    asked.aws.answers = {**READY, "ec2.DescribeVpcs": denied("ec2:DescribeVpcs")}
    code, lines = run()
    assert code is False
    assert lines[:3] == [
        "terraform    ok   1.11.0 or later",
        "aws          ok   2.7.0 or later",
        "kubectl      ok   1.35.0 or later",
    ]
    assert lines[3].startswith("settings     warning: TF_TOKEN_app_terraform_io, ")
    assert lines[4].startswith(
        "settings     warning: LANGFUSE_MAJOR: 3 has security patches until "
    )
    assert lines[5].startswith("credentials  ok   ")
    assert "vpcs         warning: not known: your user lacks ec2:DescribeVpcs" in lines


def test_what_stops_a_deploy_fails(asked: Asked, run: Program) -> None:
    asked.web[f"{TFC}/account/details"] = httpx.Response(401)
    code, lines = run()
    assert code is True
    assert [line for line in lines if line.startswith("organization TFE_TOKEN: ")]


def test_a_tool_is_missing(run: Program, tmp_path: Path) -> None:
    (tmp_path / "kubectl").unlink()
    code, lines = run()
    assert code is True
    assert lines[2] == "kubectl      is not on PATH; install 1.35.0 or later"
    assert len(lines) > 10


def test_an_env_with_faults(asked: Asked, run: Program) -> None:
    asked.env_file.unlink()
    code, lines = run()
    assert code == ".env: is missing; run: cp -n .env.example .env"
    assert len(lines) == 3


def test_interrupted(run: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: Inquiry) -> Iterator[tuple[bool, str]]:
        yield True, "credentials  ok   ada"
        raise KeyboardInterrupt

    monkeypatch.setattr(check_account, "lines", interrupted)
    code, lines = run()
    assert code == "check_account.py: interrupted."
    assert lines[-1] == "credentials  ok   ada"
