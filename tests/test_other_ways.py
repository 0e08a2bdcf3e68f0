"""Other ways in: a profile in place of keys, a proxy and its authority, another Terraform Cloud."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from access_types import token_variable
from backing_up.account import account_of
from env_file import SettingsError, environment, load_settings, use_network_lines, warnings
from network_lines import CERTIFICATES, NETWORK, PROXIES
from tests.helpers.proxy import Proxy, listening
from tests.helpers.synthesis import BASE_ENV, ENV
from verification import access
from verification.cluster import CheckError
from verification.public_hostname import https

PROFILE_ENV = ENV / "accepts.profile.env"
TWO_LOGINS = (
    "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE: two logins to AWS; comment out or "
    "unset either the keys or the profile"
)
ENDED = (
    "AWS_PROFILE: the session of deployer has ended; run: uv run aws sso login --profile deployer"
)
SSO = """[profile deployer]
sso_session = acme
sso_account_id = 123456789012
sso_role_name = Deployer
[sso-session acme]
sso_region = us-east-1
sso_start_url = https://acme.awsapps.com/start
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return where the profiles are, in a home of their own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    (tmp_path / ".aws").mkdir()
    return tmp_path / ".aws" / "config"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with listening(tmp_path_factory.mktemp("proxy")) as found:
        yield found


@pytest.fixture
def own_network_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget, at the end, what a test has put into the environment."""
    for name in NETWORK:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def env_file(folder: Path, *lines: str, of: Path = BASE_ENV) -> Path:
    file = folder / ".env"
    file.write_text("\n".join([of.read_text(encoding="utf-8"), *lines, ""]), encoding="utf-8")
    return file


# --- a profile


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("beside-keys", TWO_LOGINS),
        ("beside-a-key", TWO_LOGINS.replace("AWS_SECRET_ACCESS_KEY, ", "")),
        (
            "no-login",
            (
                "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE: no login to AWS; set both "
                "keys of your AWS user, or instead of them a profile of the AWS CLI"
            ),
        ),
    ],
)
def test_one_login_exactly(file: str, said: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(ENV / f"rejects.AWS_PROFILE.{file}.env")
    assert str(error.value) == said


def test_exported_keys_would_win_over_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "do-not-print")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-print")
    with pytest.raises(SettingsError) as error:
        load_settings(PROFILE_ENV)
    there = "; set in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY"
    assert str(error.value) == TWO_LOGINS + there


def test_exported_web_identity_would_win_in_some_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", "/token")
    assert load_settings(BASE_ENV)
    with pytest.raises(
        SettingsError, match=r"^AWS_PROFILE, AWS_WEB_IDENTITY_TOKEN_FILE: two [^\n]*$"
    ):
        load_settings(PROFILE_ENV)


def test_exported_profile_is_nothing_beside_keys_of_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """AWS's programs prefer keys to it, so nothing changes for those who export one."""
    before, told = load_settings(BASE_ENV), warnings(BASE_ENV, load_settings(BASE_ENV))
    monkeypatch.setenv("AWS_PROFILE", "another")
    assert load_settings(BASE_ENV) == before
    assert warnings(BASE_ENV, before) == told


def test_exported_profile_is_the_login_of_a_file_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "another")
    file = env_file(tmp_path, of=ENV / "rejects.AWS_PROFILE.no-login.env")
    assert load_settings(file).aws_profile == "another"
    assert load_settings(PROFILE_ENV).aws_profile == "another"


@pytest.mark.parametrize(
    "lines",
    [
        "aws_access_key_id = K\naws_secret_access_key = S",
        """credential_process = echo '{"Version":1,"AccessKeyId":"K","SecretAccessKey":"S"}'""",
    ],
    ids=["keys", "credential_process"],
)
def test_credentials_are_those_of_the_profile(config: Path, lines: str) -> None:
    config.write_text(f"[profile deployer]\nregion = eu-west-1\n{lines}\n", encoding="utf-8")
    account = account_of(PROFILE_ENV)
    found = account.session.get_credentials()
    assert (found.access_key, found.secret_key) == ("K", "S")
    assert account.region == account.session.region_name == "us-east-1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (SSO, ENDED),
        ("", "AWS_PROFILE: there is no profile deployer; run: uv run aws configure list-profiles"),
        (
            "[profile deployer]\nregion = us-east-1\n",
            "AWS_PROFILE: deployer has no login; run: uv run aws configure sso --profile deployer",
        ),
        (
            "[profile deployer]\ncredential_process = false\n",
            "AWS_PROFILE: deployer gives no credentials (CredentialRetrievalError)",
        ),
    ],
    ids=["sso-session-ended", "absent", "without-login", "process-fails"],
)
def test_a_profile_without_credentials_is_one_line(config: Path, text: str, said: str) -> None:
    config.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as error:
        account_of(PROFILE_ENV)
    assert str(error.value) == said


@pytest.mark.parametrize(
    "words",
    [
        "Error loading SSO Token: Token for acme does not exist",
        "The SSO session associated with this profile has expired or is otherwise invalid.",
        "Error when retrieving token from sso: Token has expired and refresh failed",
    ],
)
def test_the_aws_cli_says_that_the_session_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    (tmp_path / "aws").write_text(f"#!/bin/sh\necho '{words}' >&2; exit 255\n", encoding="utf-8")
    (tmp_path / "aws").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    variables = environment(PROFILE_ENV)
    assert variables["AWS_PROFILE"] == "deployer"
    with pytest.raises(SystemExit, match=re.escape(ENDED)):
        access.write_kubeconfig(load_settings(PROFILE_ENV), variables, tmp_path / "kubeconfig")


# --- a proxy and its authority


@pytest.mark.usefixtures("own_network_lines")
def test_aws_is_asked_through_the_proxy_of_the_file(tmp_path: Path, proxy: Proxy) -> None:
    lines = (f"HTTPS_PROXY={proxy.url}", f"AWS_CA_BUNDLE={proxy.authority}")
    assert account_of(env_file(tmp_path, *lines)).id == "123456789012"
    assert proxy.trusted == {"sts.amazonaws.com:443"}


@pytest.mark.usefixtures("own_network_lines")
def test_langfuse_is_asked_through_it(tmp_path: Path, proxy: Proxy) -> None:
    without = env_file(tmp_path, f"https_proxy={proxy.url}")
    use_network_lines(without)
    with pytest.raises(CheckError, match=r"no answer \(ConnectError\)"):
        https("untrusted.example.com", None)  # type: ignore[arg-type]
    assert "untrusted.example.com:443" in proxy.asked - proxy.trusted
    use_network_lines(env_file(tmp_path, f"SSL_CERT_FILE={proxy.authority}"))
    https("langfuse.example.com", None)  # type: ignore[arg-type]
    assert "langfuse.example.com:443" in proxy.trusted


@pytest.mark.usefixtures("own_network_lines")
def test_the_environment_goes_before_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://of-the-shell:1")
    file = env_file(tmp_path, "HTTPS_PROXY=http://of-the-file:1", "NO_PROXY=.example.com")
    use_network_lines(file)
    assert os.environ["HTTPS_PROXY"] == environment(file)["HTTPS_PROXY"] == "http://of-the-shell:1"
    assert os.environ["NO_PROXY"] == ".example.com"


@pytest.mark.parametrize("name", CERTIFICATES)
def test_each_file_of_certificates_is_taken(tmp_path: Path, proxy: Proxy, name: str) -> None:
    file = env_file(tmp_path, f"{name}={proxy.authority}")
    assert load_settings(file)
    assert environment(file)[name] == str(proxy.authority)


@pytest.mark.parametrize("name", [*PROXIES, *PROXIES.values()])
@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("http://proxy.example.com:3128", True),
        ("https://proxy", True),
        ("http://ada:p%40ss@10.0.0.1:8080/", True),  # pragma: allowlist secret
        ("proxy.example.com:3128", False),
        ("socks5h://proxy:1080", False),
        ("http://ada:do not@proxy:1", False),
        ("http://proxy/path", False),
        ("http://proxy:port", False),
    ],
)
def test_a_proxy_has_the_form_that_all_programs_take(
    tmp_path: Path, name: str, value: str, *, good: bool
) -> None:
    file = env_file(tmp_path, f"{name}='{value}'")
    if good:
        assert load_settings(file)
        return
    with pytest.raises(SettingsError, match=rf"^{name}: is no proxy; expected http://HOST:PORT$"):
        load_settings(file)


# --- another Terraform Cloud


@pytest.mark.parametrize(
    ("host", "variable"),
    [
        ("app.terraform.io", "TF_TOKEN_app_terraform_io"),
        ("app.eu.terraform.io", "TF_TOKEN_app_eu_terraform_io"),
        ("tfe.my-team.example.com", "TF_TOKEN_tfe_my__team_example_com"),
        ("xn--bcher-kva.example", "TF_TOKEN_xn____bcher__kva_example"),
    ],
)
def test_terraform_takes_the_token_from(host: str, variable: str) -> None:
    assert token_variable(host) == variable


def test_the_token_of_another_host_is_missing(tmp_path: Path) -> None:
    file = env_file(tmp_path, "TERRAFORM_CLOUD_HOST=app.eu.terraform.io")
    told = warnings(file, load_settings(file))
    assert (
        "TF_TOKEN_app_eu_terraform_io: missing from .env, write "
        "TF_TOKEN_app_eu_terraform_io=${TFE_TOKEN} in place of TF_TOKEN_app_terraform_io"
    ) in told
    assert not any("TF_TOKEN_app_terraform_io" in each.partition(": ")[0] for each in told)
    whole = ENV / "accepts.terraform-cloud-in-europe.env"
    assert not any("TF_TOKEN" in each for each in warnings(whole, load_settings(whole)))
