"""Verdicts on ``.env`` files: the name of each file in tests/env says what is to be said of it."""

import re
from datetime import date
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from env_file import DERIVED, SettingsError, load_settings, variables, warnings
from settings import Settings
from tests.helpers.checkout import ROOT
from tests.helpers.synthesis import BASE_ENV, ENV

A_NAME = "LANGFUSE_DOMAIN=a.example.com\nROUTE53_ZONE=example.com\n"
ACCEPTED = sorted(ENV.glob("accepts.*.env"))
REJECTED = sorted(ENV.glob("rejects.*.env"))


@pytest.mark.parametrize("file", ACCEPTED, ids=lambda file: file.stem)
def test_accepts(file: Path) -> None:
    load_settings(file)


@pytest.mark.parametrize("file", REJECTED, ids=lambda file: file.stem)
def test_rejects(file: Path) -> None:
    variable = file.stem.split(".")[1]
    with pytest.raises(SettingsError) as error:
        load_settings(file)
    (line,) = str(error.value).splitlines()
    named, _, fault = line.partition(": ")
    assert variable in named.split(", ")
    assert fault
    assert "do-not-print" not in line


def test_a_verdict_for_every_variable() -> None:
    judged = {file.stem.split(".")[1] for file in REJECTED}
    assert set(variables()) <= judged


def test_fr23_every_variable_can_be_set() -> None:
    everything = load_settings(ENV / "accepts.every-variable.env")
    alone = load_settings(BASE_ENV)
    same = {
        name for name in Settings.model_fields if getattr(everything, name) == getattr(alone, name)
    }
    assert {name.upper() for name in same} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_DEFAULT_REGION",
        "TFE_TOKEN",
        "TFC_ORGANIZATION",
        "LANGFUSE_ADMIN_EMAIL",
        "LANGFUSE_ADMIN_NAME",
        "LANGFUSE_ADMIN_PASSWORD",
    }


def test_one_report_names_every_fault(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("NODE_COUNT=0\nVPC_CDIR=x\nTFE_TOKEN=\n", encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        load_settings(env_file)
    report = str(error.value)
    for variable in ("NODE_COUNT", "VPC_CDIR", "TFE_TOKEN", "LANGFUSE_ADMIN_PASSWORD"):
        assert re.search(rf"^{variable}: ", report, re.MULTILINE)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("VPC_CDIR.unknown-like-VPC_CIDR", "did you mean VPC_CIDR?"),
        ("AWS_REGION.unknown-like-AWS_DEFAULT_REGION", "did you mean AWS_DEFAULT_REGION?"),
        ("FAVOURITE_COLOUR.unknown", "see .env.example"),
        ("VPC_CIDR.host-bits", "has host bits set"),
        ("VPC_CIDR.too-small", "is too small for two subnets"),
        ("CLUSTER_ALLOWED_CIDRS.bad-entry", "entry 2 is not an IPv4 CIDR"),
        (
            "DATABASE_ALLOWED_CIDRS.none-beside-cidrs",
            "DATABASE_ALLOWED_CIDRS: has none beside CIDRs; write none alone, or the CIDRs alone",
        ),
        ("LANGFUSE_CHART.plain-http", "is http, where anybody on the way can change the chart"),
        ("TRAEFIK_CHART.plain-http", "use https:// or oci://; expected where Traefik's chart is"),
        ("IMAGE_REGISTRY.scheme", "has a scheme; leave it out"),
        ("IMAGE_REGISTRY.trailing-slash", "ends with a slash; leave it out"),
        ("IMAGE_REGISTRY.capital-letters", "has capital letters or spaces; use neither"),
        ("IMAGE_REGISTRY.spaces", "has capital letters or spaces; use neither"),
        ("IMAGE_REGISTRY.tag", "has a tag or a digest; leave it out"),
        ("IMAGE_REGISTRY.no-host", "does not begin with a host; give its full name"),
        ("IMAGE_REGISTRY.wrong-form", "has the wrong form; expected a registry's host"),
        ("IMAGE_DIGESTS.tag", "entry 1 has a tag; leave it out"),
        ("IMAGE_DIGESTS.unknown-image", "entry 1 names no image of the installation; use langf"),
        ("IMAGE_DIGESTS.twice", "entry 2 names an image that an earlier entry names"),
        ("IMAGE_DIGESTS.no-digest", "entry 1 has no @sha256: after the name"),
        ("IMAGE_DIGESTS.other-algorithm", "entry 1 has no @sha256: after the name"),
        ("IMAGE_DIGESTS.too-short", "entry 1 has 63 digits after sha256:, not 64"),
        ("IMAGE_DIGESTS.no-hex", "entry 2 has other digits than 0-9 and a-f"),
        (
            "NODE_INSTANCE_TYPE.first-arm-generation",
            "NODE_INSTANCE_TYPE: is an ARM type of the first generation",
        ),
        ("LANGFUSE_EXTRA_ENV.absent-file", "LANGFUSE_EXTRA_ENV: cannot be read; expected the path"),
        ("LANGFUSE_EXTRA_ENV.no-utf-8", "is not UTF-8; save it so"),
        ("LANGFUSE_EXTRA_ENV.no-variable", "has no line NAME=value"),
        ("LANGFUSE_EXTRA_ENV.no-equals-sign", "line 4 is not NAME=value; write it so"),
        ("LANGFUSE_EXTRA_ENV.no-closing-quote", "line 2 is not NAME=value; write it so"),
        ("LANGFUSE_EXTRA_ENV.lower-case", "line 1 has a name of other characters than A-Z"),
        ("LANGFUSE_EXTRA_ENV.twice", "line 3 names EMAIL_FROM_ADDRESS, as an earlier line does"),
        ("LANGFUSE_EXTRA_ENV.ours", "which is set already; leave it out; the project connects"),
        ("LANGFUSE_EXTRA_ENV.setting-of-env", "which is set already; use LANGFUSE_ADMIN_…"),
        ("LANGFUSE_EXTRA_ENV.chart-value", "use the chart's value for it, with LANGFUSE_EXTRA_V"),
        (
            "LANGFUSE_EXTRA_ENV.secret-name",
            (
                "line 1 has a secret, which everybody who sees the plan could read; put its value "
                "into .env as TF_VAR_langfuse_env_AUTH_CUSTOM_CLIENT_SECRET, and write "
                "AUTH_CUSTOM_CLIENT_SECRET=${TF_VAR_langfuse_env_AUTH_CUSTOM_CLIENT_SECRET}"
            ),
        ),
        ("LANGFUSE_EXTRA_ENV.secret-url", "line 1 has a secret, which everybody"),
        (
            "LANGFUSE_EXTRA_ENV.other-reference",
            "only ${TF_VAR_langfuse_env_SMTP_CONNECTION_URL} is put in",
        ),
        (
            "LANGFUSE_EXTRA_ENV.secret-is-missing",
            "LANGFUSE_EXTRA_ENV, TF_VAR_langfuse_env_SMTP_CONNECTION_URL: its file refers to the",
        ),
        (
            "LANGFUSE_EXTRA_ENV.secret-is-unused",
            "SMTP_CONNECTION_URL=${TF_VAR_langfuse_env_SMTP_CONNECTION_URL} to that file",
        ),
        ("TFE_TOKEN.missing", "is missing"),
        ("TFE_TOKEN.empty", "is empty"),
        ("NODE_COUNT.one-is-too-small", "4236 MiB (web 1024 + worker 768 + ClickHouse 1536"),
        ("NODE_COUNT.one-is-too-small", "1 x t3.medium hold 3156 MiB"),
        (
            "NODE_COUNT.many-are-too-small",
            "ClickHouse requests 1536 MiB, but one t3.small holds 1518 MiB",
        ),
    ],
)
def test_says_what_is_wrong(file: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=re.escape(expected)):
        load_settings(ENV / f"rejects.{file}.env")


def test_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=re.escape(".env: is missing; run: cp -n .env.example")):
        load_settings(tmp_path / ".env")


def test_environment_wins_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE_COUNT", "4")
    assert load_settings(BASE_ENV).node_count == 4
    assert "NODE_COUNT: set in the environment, which wins over .env" in warnings(
        BASE_ENV, load_settings(BASE_ENV)
    )


@pytest.mark.parametrize(
    ("lines", "warned"),
    [
        (A_NAME, False),
        ("LANGFUSE_SIGNUP_DISABLED=false\n", False),
        (f"LANGFUSE_SIGNUP_DISABLED=no\n{A_NAME}", True),
    ],
)
def test_open_sign_up_at_a_public_name_is_reported(
    tmp_path: Path, lines: str, *, warned: bool
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + lines, encoding="utf-8")
    told = "LANGFUSE_SIGNUP_DISABLED, LANGFUSE_DOMAIN: anybody who reaches the name can make"
    found = warnings(env_file, load_settings(env_file))
    assert any(each.startswith(told) for each in found) is warned


@pytest.mark.parametrize(
    ("lines", "origin"),
    [
        ("", "http://localhost:3000"),
        (A_NAME, "https://a.example.com"),
        ("LANGFUSE_URL=https://example.com/\n", "https://example.com"),
        ("LANGFUSE_URL=https://example.com?a=b\n", "https://example.com"),
        ("LANGFUSE_URL=https://example.com:8443/langfuse/\n", "https://example.com:8443"),
        ("LANGFUSE_URL=https://Example.com:443/\n", "https://example.com"),
        ("LANGFUSE_URL=http://example.com:80\n", "http://example.com"),
        ("LANGFUSE_URL=http://example.com:443\n", "http://example.com:443"),
        ("LANGFUSE_URL=http://ada:b@example.com\n", "http://example.com"),
        ("LANGFUSE_URL=http://[::1]:3000\n", "http://[::1]:3000"),
    ],
)
def test_origin_is_what_a_browser_sends(tmp_path: Path, lines: str, origin: str) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + lines, encoding="utf-8")
    assert load_settings(env_file).origin == origin


def test_values_hold_special_characters() -> None:
    settings = load_settings(BASE_ENV)
    assert settings.langfuse_admin_password.get_secret_value() == "do-not-print $,{}#"
    assert settings.langfuse_admin_name == "Ada Lovelace"


def test_cidr_lists() -> None:
    settings = load_settings(ENV / "accepts.every-variable.env")
    assert settings.cluster_allowed_cidrs == (
        IPv4Network("203.0.113.7/32"),
        IPv4Network("198.51.100.0/24"),
    )
    nobody = load_settings(ENV / "accepts.nobody-else-at-the-database.env")
    assert nobody.database_allowed_cidrs == ()


def test_nfr01_settings_never_show_secrets() -> None:
    assert "do-not-print" not in repr(load_settings(BASE_ENV))


def test_example_is_accepted_with_a_warning_of_its_placeholders() -> None:
    example = ROOT / ".env.example"
    warning, _ = warnings(example, load_settings(example))
    assert "LANGFUSE_ADMIN_PASSWORD" in warning
    assert "TFE_TOKEN" in warning
    assert "AWS_DEFAULT_REGION" not in warning


def test_missing_derived_lines_are_reported() -> None:
    warning, _ = warnings(BASE_ENV, load_settings(BASE_ENV))
    assert all(line in warning for line in DERIVED)


@pytest.mark.parametrize(
    ("env", "today", "told"),
    [
        (
            "accepts.eight-variables.env",
            date(2027, 1, 31),
            ["LANGFUSE_MAJOR: 3 has security patches until 2027-01-31"],
        ),
        (
            "accepts.eight-variables.env",
            date(2027, 2, 1),
            ["LANGFUSE_MAJOR: 3 has no security patches since 2027-01-31"],
        ),
        ("accepts.langfuse-4.env", date(2027, 2, 1), []),
    ],
)
def test_end_of_security_patches_is_reported(
    monkeypatch: pytest.MonkeyPatch, env: str, today: date, told: list[str]
) -> None:
    monkeypatch.setattr("security_patches.today", lambda: today)
    found = warnings(ENV / env, load_settings(ENV / env))
    see = ", see docs/langfuse-4.md#from-3-to-4"
    assert [each for each in found if "patches" in each] == [f"{each}{see}" for each in told]
