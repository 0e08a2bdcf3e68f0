"""Verdicts on ``.env`` files: the name of each file in tests/env says what is to be said of it."""

import os
import platform
import re
from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from address_types import Email, Url
from env_file import DERIVED, SettingsError, environment, load_settings, variables, warnings
from settings import Settings
from tests.helpers import start_rules
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
    """Those that do not go together are in two files."""
    alone = load_settings(BASE_ENV)
    same = set(Settings.model_fields)
    for file in ("every-variable", "every-other-variable"):
        found = load_settings(ENV / f"accepts.{file}.env")
        same = {name for name in same if getattr(found, name) == getattr(alone, name)}
    assert {name.upper() for name in same} == {
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        # In place of the keys: accepts.profile.env.
        "AWS_PROFILE",
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
            "NAT.gateway-with-public-nodes",
            (
                "NAT, NODE_SUBNETS: public nodes have addresses of their own and need no NAT; "
                "remove NAT, or set NODE_SUBNETS=private"
            ),
        ),
        (
            "VPC_CIDR.too-small-for-private-nodes",
            (
                "VPC_CIDR, NODE_SUBNETS: private nodes take a third and a fourth /20 of the VPC, "
                "which a /19 has not; use a network from /16 to /18, or NODE_SUBNETS=public"
            ),
        ),
        (
            "NODE_SUBNETS.private-with-a-public-name",
            (
                "LANGFUSE_DOMAIN, NODE_SUBNETS: the name leads to the nodes' public addresses, "
                "which private ones have not; remove LANGFUSE_DOMAIN and ROUTE53_ZONE, or set "
                "NODE_SUBNETS=public"
            ),
        ),
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
        (
            "LANGFUSE_ADMIN_PASSWORD.unquoted-dollar",
            "an unquoted $ is expanded by uv and by a shell; write LANGFUSE_ADMIN_PASSWORD='...'",
        ),
        ("LANGFUSE_ADMIN_PASSWORD.both-quotes", "no quotes are read alike with that; choose anot"),
        ("LANGFUSE_ADMIN_NAME.unquoted-space", "line 7, LANGFUSE_ADMIN_NAME: an unquoted space"),
        ("NODE_COUNT.twice", "line 10, NODE_COUNT: is in line 9 as well"),
        ("LANGFUSE_ADMIN_EMAIL.ampersand", "is refused by Langfuse"),
        ("LANGFUSE_URL.path", "has a path, for which Langfuse needs an image of your own"),
        ("LANGFUSE_EXTRA_ENV.absent-file", "LANGFUSE_EXTRA_ENV: cannot be read; expected the path"),
        ("LANGFUSE_EXTRA_ENV.no-utf-8", "LANGFUSE_EXTRA_ENV: line 1: is not UTF-8"),
        ("LANGFUSE_EXTRA_ENV.no-variable", "has no line NAME=value"),
        ("LANGFUSE_EXTRA_ENV.no-equals-sign", "line 4: is no NAME=value; begin a comment"),
        (
            "LANGFUSE_EXTRA_ENV.no-closing-quote",
            "line 2, AUTH_CUSTOM_NAME: the quote is not closed",
        ),
        ("LANGFUSE_EXTRA_ENV.lower-case", "email_from_address has other characters than A-Z"),
        ("LANGFUSE_EXTRA_ENV.twice", "line 3, EMAIL_FROM_ADDRESS: is in line 1 as well"),
        (
            "LANGFUSE_EXTRA_ENV.ours",
            "is set by this project or Langfuse's chart; leave it out; the",
        ),
        ("LANGFUSE_EXTRA_ENV.setting-of-env", "project or Langfuse's chart; use LANGFUSE_ADMIN_…"),
        ("LANGFUSE_EXTRA_ENV.unquoted-dollar", "line 1, AUTH_CUSTOM_NAME: an unquoted $"),
        ("LANGFUSE_EXTRA_ENV.chart-value", "use the chart's value for it, with LANGFUSE_EXTRA_V"),
        (
            "LANGFUSE_EXTRA_ENV.secret-name",
            (
                "AUTH_CUSTOM_CLIENT_SECRET has a secret, which everybody who sees the plan could "
                "read; put its value into .env as TF_VAR_langfuse_env_AUTH_CUSTOM_CLIENT_SECRET, "
                "and write AUTH_CUSTOM_CLIENT_SECRET="
                "${TF_VAR_langfuse_env_AUTH_CUSTOM_CLIENT_SECRET}"
            ),
        ),
        ("LANGFUSE_EXTRA_ENV.secret-url", "SMTP_CONNECTION_URL has a secret, which everybody"),
        (
            "LANGFUSE_EXTRA_ENV.other-reference",
            "something else than ${TF_VAR_langfuse_env_SMTP_CONNECTION_URL}; write that, or no ${",
        ),
        (
            "LANGFUSE_EXTRA_ENV.secret-is-missing",
            "LANGFUSE_EXTRA_ENV, TF_VAR_langfuse_env_SMTP_CONNECTION_URL: the file of the first r",
        ),
        (
            "LANGFUSE_EXTRA_ENV.secret-is-unused",
            "SMTP_CONNECTION_URL=${TF_VAR_langfuse_env_SMTP_CONNECTION_URL} to it",
        ),
        (
            "CLICKHOUSE_URL.no-scheme",
            "CLICKHOUSE_URL: has no scheme that Langfuse can use; begin it",
        ),
        (
            "CLICKHOUSE_URL.native-scheme",
            "has no scheme that Langfuse can use; begin it with https://",
        ),
        ("CLICKHOUSE_URL.user", "has user information; leave it out, and set CLICKHOUSE_USER and"),
        (
            "CLICKHOUSE_URL.secure",
            "has a query; leave it out, also secure=true, which Langfuse adds",
        ),
        ("CLICKHOUSE_URL.path", "has a path; leave it out, and set CLICKHOUSE_DATABASE"),
        ("CLICKHOUSE_URL.no-port", "has no port; add that of the HTTP interface, such as :8443"),
        ("CLICKHOUSE_URL.port-0", "has no port from 1 to 65535"),
        ("CLICKHOUSE_URL.port-is-too-large", "has no port from 1 to 65535"),
        (
            "CLICKHOUSE_URL.native-port",
            "has the port of the native protocol; give that of the HTTP",
        ),
        ("CLICKHOUSE_URL.no-host", "has no host name and no IPv4 address"),
        ("CLICKHOUSE_URL.ipv6", "has no host name and no IPv4 address"),
        ("CLICKHOUSE_URL.this-machine", "is this machine, which no pod reaches"),
        (
            "CLICKHOUSE_URL.http-to-a-public-name",
            "is http, where anybody on the way reads password",
        ),
        ("CLICKHOUSE_URL.http-to-a-public-address", "use https, or a private host: an address as"),
        (
            "CLICKHOUSE_URL.without-password",
            "CLICKHOUSE_PASSWORD, CLICKHOUSE_URL: the second is set and not the first; set both",
        ),
        (
            "CLICKHOUSE_PASSWORD.without-url",
            "CLICKHOUSE_PASSWORD, CLICKHOUSE_URL: the last is not set",
        ),
        (
            "CLICKHOUSE_PASSWORD.semicolon",
            "has one of & = # ? % + @ ;, and Langfuse puts it into a URL",
        ),
        ("CLICKHOUSE_PASSWORD.space", "has a space, or a character that is not of ASCII"),
        (
            "CLICKHOUSE_USER.at",
            "CLICKHOUSE_USER: has one of & = # ? % + @ ;, and Langfuse puts it into",
        ),
        (
            "CLICKHOUSE_DATABASE.hyphen",
            "has other characters than letters, digits and _, or begins",
        ),
        (
            "CLICKHOUSE_STORAGE_GB.of-a-clickhouse-of-ones-own",
            "CLICKHOUSE_STORAGE_GB, CLICKHOUSE_URL: volume and backups of a ClickHouse of your own",
        ),
        (
            "LANGFUSE_EXTRA_VALUES.of-a-clickhouse-in-the-cluster",
            "LANGFUSE_EXTRA_VALUES, CLICKHOUSE_URL: extraManifests.clickhouseClaim changes a",
        ),
        (
            "LANGFUSE_EXTRA_VALUES.of-a-redis-in-the-cluster",
            "LANGFUSE_EXTRA_VALUES, REDIS: extraManifests.redisClaim changes a manifest of a Redis",
        ),
        (
            "REDIS_STORAGE_GB.elasticache",
            "REDIS_STORAGE_GB, REDIS: Redis in ElastiCache has no volume; remove",
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


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Email, start_rules.GOOD_EMAILS, start_rules.BAD_EMAILS),
        (Url, start_rules.GOOD_URLS, (*start_rules.BAD_URLS, *start_rules.OUR_BAD_URLS)),
    ],
)
def test_judges_as_langfuse_does_at_its_start(
    kind: type[str], good: tuple[str, ...], bad: tuple[str, ...]
) -> None:
    def accepts(value: str) -> bool:
        try:
            TypeAdapter(kind).validate_python(value)
        except ValidationError:
            return False
        return True

    assert [value for value in (*good, *bad) if accepts(value)] == [*good]


def test_one_line_for_each_fault_of_the_lines(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    text = "A=$do-not-print\nB=do-not-print b\ndo-not-print\nC='do-not-print\n"
    env_file.write_text(text, encoding="utf-8")
    for read in (load_settings, environment):
        with pytest.raises(SettingsError) as error:
            read(env_file)
        lines = str(error.value).splitlines()
        starts = [f".env line {each}: " for each in ("1, A", "2, B", "3", "4, C")]
        assert [line[: len(start)] for line, start in zip(lines, starts, strict=True)] == starts
        assert "do-not-print" not in str(error.value)


@pytest.mark.parametrize(
    "data",
    [
        "\ufeffA=do-not-print".encode(),
        "A=do-not-print".encode("utf-16"),
        "A='do-not-print ü'".encode("latin-1"),
        b"A=do-not-print\r\n",
        b"A=do-not-print\0",
    ],
)
def test_a_spoilt_file_is_one_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / ".env").write_bytes(data)
    with pytest.raises(SettingsError, match=r"^\.env line 1: [^\n]*(save|UTF-8)[^\n]*$") as error:
        load_settings(tmp_path / ".env")
    assert "do-not-print" not in str(error.value)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> bytes:
        raise PermissionError

    (tmp_path / ".env").touch()
    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(SettingsError, match=re.escape(".env: cannot be read; run: chmod u+r .env")):
        load_settings(tmp_path / ".env")


def test_too_large_for_an_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"A={'b' * 2**17}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"^\.env is larger than 128 KiB, [^\n]*$"):
        load_settings(tmp_path / ".env")


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo])
def test_what_is_no_file(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / ".env")
    for read in (load_settings, environment):
        with pytest.raises(SettingsError, match=r"^\.env: is a folder or a pipe, "):
            read(tmp_path / ".env")


def test_environment_of_a_missing_file_is_that_of_the_shell(tmp_path: Path) -> None:
    assert environment(tmp_path / ".env") == dict(os.environ)


@pytest.mark.parametrize("spelling", ["name", "Name", "aws_default_region", "Aws_Default_Region"])
def test_other_spellings_in_the_environment_are_ignored(
    monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    before, told = load_settings(BASE_ENV), warnings(BASE_ENV, load_settings(BASE_ENV))
    monkeypatch.setenv(spelling, "eu-west-1")
    assert load_settings(BASE_ENV) == before
    assert warnings(BASE_ENV, before) == told


@pytest.mark.parametrize(
    ("lines", "given", "chosen"),
    [
        ("", "host", "langfuse"),  # WSL: the host's name
        ("NAME=team-a\n", "host", "team-a"),
        ("", "Host.example.com", "langfuse"),
        ("NAME=team-a\n", "", "team-a"),
        ("", "langfuse", "langfuse"),
        ("NAME=team-a\n", "team-a", "team-a"),  # as with uv run --env-file
        ("", "team-b", None),
        ("NAME=team-a\n", "team-b", None),
        ("NAME=team-a\n", "langfuse", None),
        ("NAME=team-a\n", "Ada Lovelace", None),
    ],
)
def test_the_file_alone_chooses_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, given: str, chosen: str | None
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + lines, encoding="utf-8")
    monkeypatch.setattr(platform, "node", lambda: "host")
    monkeypatch.setenv("NAME", given)
    if chosen:
        settings = load_settings(env_file)
        assert settings.name == chosen
        assert not [each for each in warnings(env_file, settings) if "environment" in each]
        return
    with pytest.raises(SettingsError) as error:
        load_settings(env_file)
    assert str(error.value) == (
        "NAME: is another one in the environment, and .env alone chooses the installation; "
        "unset NAME, or set the same in .env"
    )


@pytest.mark.parametrize("given", ["team-b", "DESKTOP-1"])
def test_wsl_keeps_the_name_that_the_host_had(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + "NAME=team-a\n", encoding="utf-8")
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    monkeypatch.setenv("NAME", given)
    settings = load_settings(env_file)
    assert settings.name == "team-a"
    assert (
        "NAME: another one in the environment is ignored; .env alone chooses the installation"
    ) in warnings(env_file, settings)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_DEFAULT_REGION", "do-not-print", "AWS_DEFAULT_REGION: has the wrong form; expected"),
        ("NODE_COUNT", "do-not-print", "NODE_COUNT: is not valid; expected "),
        ("NODE_COUNT", "1", "NODE_COUNT, NODE_INSTANCE_TYPE: "),
        ("TFE_TOKEN", "", "TFE_TOKEN: is empty; expected "),
        ("LANGFUSE_DOMAIN", "a.example.com", "LANGFUSE_DOMAIN, ROUTE53_ZONE: one is set"),
    ],
)
def test_a_fault_of_the_environment_says_so(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as error:
        load_settings(BASE_ENV)
    (line,) = str(error.value).splitlines()
    assert line.startswith(said)
    assert line.endswith(f"; set in the environment: {variable}")
    assert "do-not-print" not in line


def test_a_fault_of_the_file_that_uv_has_exported_is_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NODE_COUNT", "0")
    with pytest.raises(SettingsError, match=r"^NODE_COUNT: is not valid; (?!.*in the environment)"):
        load_settings(ENV / "rejects.NODE_COUNT.zero.env")


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
        ("LANGFUSE_URL=https://example.com:8443/\n", "https://example.com:8443"),
        ("LANGFUSE_URL=https://Example.com:443/\n", "https://example.com"),
        ("LANGFUSE_URL=http://example.com:80\n", "http://example.com"),
        ("LANGFUSE_URL=http://example.com:443\n", "http://example.com:443"),
        ("LANGFUSE_URL=http://[::1]:3000\n", "http://[::1]:3000"),
    ],
)
def test_origin_is_what_a_browser_sends(tmp_path: Path, lines: str, origin: str) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + lines, encoding="utf-8")
    assert load_settings(env_file).origin == origin


@pytest.mark.parametrize(
    ("lines", "port"),
    [
        ("", 3000),
        ("LANGFUSE_URL=http://localhost:8080\n", 8080),
        ("LANGFUSE_URL=http://127.0.0.1\n", 80),
        ("LANGFUSE_URL=https://langfuse.example.com:8443\n", None),
        ("LANGFUSE_DOMAIN=langfuse.example.com\nROUTE53_ZONE=example.com\n", None),
    ],
)
def test_port_is_that_of_a_local_address(tmp_path: Path, lines: str, port: int | None) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text(BASE_ENV.read_text(encoding="utf-8") + lines, encoding="utf-8")
    assert load_settings(env_file).forwarded_port == port


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


@pytest.mark.parametrize(
    ("file", "cidrs"),
    [
        ("eight-variables", ["0.0.0.0/0"]),
        ("nobody-else-at-the-database", []),
        # A database that is open to the world beside nodes that hide from it is nobody's wish.
        ("private-nodes", []),
        ("private-nodes-and-an-open-database", ["203.0.113.7/32"]),
    ],
)
def test_private_nodes_close_the_database(file: str, cidrs: list[str]) -> None:
    settings = load_settings(ENV / f"accepts.{file}.env")
    assert settings.database_cidrs == cidrs
    assert settings.database_is_closed is (not cidrs)


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
