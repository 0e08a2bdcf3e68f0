"""Variables of a shell that ``.env`` does not set, and that would misdirect a deploy."""

from pathlib import Path

import pytest

import check_account
import shell_variables
from env_file import SettingsError, load_settings, warnings
from tests.helpers.synthesis import BASE_ENV

LINES = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_DEFAULT_REGION": "us-east-1"}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"AWS_REGION": "eu-west-1"}, "AWS_REGION: set in the environment, and goes before AWS_DE"),
        ({"AWS_SESSION_TOKEN": "secret"}, "AWS_SESSION_TOKEN: set in the environment, and belongs"),
        ({"TF_WORKSPACE": "other"}, "TF_WORKSPACE: set in the environment, so that Terraform look"),
        ({"TF_DATA_DIR": "here"}, "TF_DATA_DIR: set in the environment, so that the stacks shar"),
        ({"ALL_PROXY": "socks5h://secret:1"}, "ALL_PROXY: set in the environment; SOCKS is not"),
        ({"https_proxy": "socks5://secret:1"}, "https_proxy: is no proxy; expected http://HOST:P"),
        ({"AWS_CA_BUNDLE": "/secret.pem"}, "AWS_CA_BUNDLE: is no readable file of certificates; "),
    ],
)
def test_named_with_a_remedy_and_without_the_value(environ: dict[str, str], expected: str) -> None:
    (fault,) = shell_variables.faults(LINES, environ)
    assert fault.startswith(expected)
    assert "secret" not in fault


@pytest.mark.parametrize(
    "environ",
    [
        {"AWS_REGION": "us-east-1"},
        {"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-west-1"},
        {"AWS_SESSION_TOKEN": "secret", "AWS_ACCESS_KEY_ID": "ASIA"},
        {"ALL_PROXY": "http://proxy.example.com:3128"},
        {"TF_WORKSPACE": "", "HTTPS_PROXY": "http://proxy.example.com:3128"},
    ],
)
def test_what_misdirects_nothing(environ: dict[str, str]) -> None:
    assert not [*shell_variables.faults(LINES, environ)]


def test_lines_of_the_file_are_judged_there() -> None:
    assert not [*shell_variables.faults({**LINES, "TF_DATA_DIR": "x"}, {"TF_DATA_DIR": "x"})]


def test_is_a_warning_of_every_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_WORKSPACE", "other")
    said = warnings(BASE_ENV, load_settings(BASE_ENV))
    assert [line for line in said if line.startswith("TF_WORKSPACE: ")]


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "socks5://a:1"), ("NO_PROXY", "[::1]"), ("SSL_CERT_FILE", "/absent")],
)
def test_check_account_cannot_go_by_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, value: str
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(check_account, "ENV_FILE", env_file)
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=rf"{variable}.*: one of them cannot be used \(\w+\); "):
        check_account._ask_accounts()  # noqa: SLF001 - the part behind the tools
