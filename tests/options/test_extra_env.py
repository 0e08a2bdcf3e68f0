"""LANGFUSE_EXTRA_ENV: a file of further environment variables of Langfuse, plain and secret."""

import re
from pathlib import Path
from typing import Any

import pytest

from env_file import SettingsError, load_settings
from extra_environment import ExtraEnvironment, read_extra_environment
from pricing.bill import bill
from tests.helpers.chart_values import chart_values
from tests.helpers.extra_examples import examples
from tests.helpers.snapshots import without_metadata
from tests.helpers.stack import Stack
from tests.helpers.synthesis import BASE_ENV, Stacks, WithOptions
from tests.test_env_lines import ACCEPTED, MISTAKEN, REFUSED, numbered

SECRETS = ("SMTP_CONNECTION_URL", "AUTH_CUSTOM_CLIENT_SECRET")


@pytest.fixture(scope="module")
def extra(with_options: WithOptions) -> Stacks:
    return with_options("extra_env")


@pytest.fixture(scope="module")
def variables(extra: Stacks) -> dict[str, Any]:
    """Return the variables that web and worker have in common, by name."""
    return {each["name"]: each for each in chart_values(extra["app"])["langfuse"]["additionalEnv"]}


def test_without_it_there_is_none(values: dict[str, Any], app: Stack) -> None:
    assert not {"additionalEnv", "pod"} & set(values["langfuse"])
    assert set(app.json["variable"]) == {"langfuse_admin_password"}


def test_web_and_worker_have_all_of_them(variables: dict[str, Any]) -> None:
    assert list(variables) == [
        *("EMAIL_FROM_ADDRESS", "AUTH_CUSTOM_CLIENT_ID", "AUTH_CUSTOM_NAME"),
        *SECRETS,
    ]
    assert variables["EMAIL_FROM_ADDRESS"]["value"] == "Langfuse <langfuse@example.com>"


def test_plain_values_are_no_templates(variables: dict[str, Any]) -> None:
    """For Terraform, %{ begins one; Kubernetes puts variables in place of $(NAME)."""
    assert variables["AUTH_CUSTOM_NAME"]["value"] == "100 %%{of} $$(HOSTNAME) for $$$$5"


def test_nfr01_secrets_are_only_in_the_secret(extra: Stacks, variables: dict[str, Any]) -> None:
    app = extra["app"]
    written = {
        each["name"].rpartition(".")[2]: each["value"]
        for each in app.resource("helm_release", "langfuse")["set_wo"]
    }
    for name in SECRETS:
        reference = {"secretKeyRef": {"name": "langfuse-secrets", "key": name}}
        assert variables[name] == {"name": name, "valueFrom": reference}
        assert written[name] == f"${{base64encode(var.langfuse_env_{name})}}"
        assert app.json["variable"][f"langfuse_env_{name}"]["sensitive"] is True
    for stack in extra.values():
        assert "do-not-print" not in stack.text


def test_changed_secret_is_sent_and_restarts_pods(extra: Stacks) -> None:
    """The hash in the pods' annotation covers the salt, so that nobody can guess a short secret."""
    app = extra["app"]
    annotations = chart_values(app)["langfuse"]["pod"]["annotations"]
    checksum = annotations["checksum/extra-environment"]
    assert checksum.startswith("${nonsensitive(sha256(jsonencode([jsondecode(")
    assert ".salt" in checksum
    follows = app.resource("terraform_data", "secrets_revision")["triggers_replace"]["release"]
    for name in SECRETS:
        assert f"var.langfuse_env_{name}" in checksum
        assert f"var.langfuse_env_{name}" in follows


def test_nfr01_remote_runs_have_sensitive_variables(with_options: WithOptions) -> None:
    together = with_options("extra_env", "remote_runs")
    declared = [
        {name: without_metadata(each) for name, each in together[stack].json["variable"].items()}
        for stack in ("workspaces", "app")
    ]
    assert declared[0] == declared[1]
    set_there = {each["key"]: each for each in together["workspaces"].resources("tfe_variable")}
    for name in SECRETS:
        variable = set_there[f"langfuse_env_{name}"]
        assert variable["value_wo"] == f"${{var.langfuse_env_{name}}}"
        assert variable["workspace_id"] == "${tfe_workspace.app.id}"
        assert variable["sensitive"] is True
        assert "value" not in variable


def test_it_costs_nothing(extra: Stacks, stacks: Stacks) -> None:
    assert bill({name: stack.json for name, stack in extra.items()}) == bill(
        {name: stack.json for name, stack in stacks.items()}
    )


def env_file_with(folder: Path, extra: str, *lines: str) -> Path:
    """Write an ``extra.env``, and a ``.env`` that names it."""
    (folder / "extra.env").write_text(extra, encoding="utf-8")
    of_env = [f"LANGFUSE_EXTRA_ENV={folder / 'extra.env'}", *lines]
    text = BASE_ENV.read_text(encoding="utf-8") + "".join(f"{line}\n" for line in of_env)
    (folder / ".env").write_text(text, encoding="utf-8")
    return folder / ".env"


def read(folder: Path, content: bytes) -> ExtraEnvironment:
    file = folder / "extra.env"
    file.write_bytes(content)
    return read_extra_environment(file)


def test_lines_are_read_as_in_env(tmp_path: Path) -> None:
    """But for references: a value refers to nothing but its secret."""
    plain = {form: value for form, value in ACCEPTED.items() if "${" not in form}
    assert len(plain) > 30
    assert {form: read(tmp_path, numbered(form, 0)).plain["A0"] for form in plain} == plain
    for form in ACCEPTED.keys() - plain.keys():
        with pytest.raises(ValueError, match=r"^A0 refers to something else than \$"):
            read(tmp_path, numbered(form, 0))


def test_lines_are_refused_as_in_env(tmp_path: Path) -> None:
    for form, problem in (REFUSED | MISTAKEN).items():
        expected = "refers to something else" if problem == "not set above" else problem
        with pytest.raises(ValueError, match=re.escape(expected)):
            read(tmp_path, numbered(form, 0))


def test_one_report_names_every_fault(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(env_file_with(tmp_path, "NODE_ENV=test\na=b\n"))
    first, second = str(error.value).splitlines()
    assert first.startswith("LANGFUSE_EXTRA_ENV: NODE_ENV is set by this project")
    assert second.startswith("LANGFUSE_EXTRA_ENV: a has other characters")


def test_examples_of_the_page_are_valid(tmp_path: Path) -> None:
    of_env, of_extra = examples()
    named, *secrets = of_env.splitlines()
    assert named == "LANGFUSE_EXTRA_ENV=extra.env"
    extra = load_settings(env_file_with(tmp_path, of_extra, *secrets)).extra_environment
    assert extra.secret == (
        "SMTP_CONNECTION_URL",
        "AUTH_GOOGLE_CLIENT_SECRET",
        "AUTH_AZURE_AD_CLIENT_SECRET",
        "LANGFUSE_EE_LICENSE_KEY",
    )
    assert len(extra.plain) == 8


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        *((name, True) for name in ("ADMIN_API_KEY", "LANGFUSE_TEAM_SLACK_WEBHOOK")),
        *((name, True) for name in ("SENTRY_AUTH_TOKEN", "SLACK_STATE_SECRET")),
        *((name, False) for name in ("AUTH_KEYCLOAK_ID_TOKEN", "LANGFUSE_AI_FEATURES_PUBLIC_KEY")),
    ],
)
def test_secrets_are_known_by_their_names(tmp_path: Path, name: str, is_secret: bool) -> None:  # noqa: FBT001
    if is_secret:
        with pytest.raises(ValueError, match=f"^{name} has a secret"):
            read(tmp_path, f"{name}=true\n".encode())
    else:
        assert read(tmp_path, f"{name}=true\n".encode()).plain == {name: "true"}


@pytest.mark.parametrize(
    "name",
    [
        *("SALT", "ENCRYPTION_KEY", "NEXTAUTH_SECRET", "NEXTAUTH_URL", "DATABASE_HOST"),
        *("DIRECT_URL", "CLICKHOUSE_MAX_OPEN_CONNECTIONS", "REDIS_AUTH", "AWS_ACCESS_KEY_ID"),
        *("LANGFUSE_S3_EVENT_UPLOAD_BUCKET", "LANGFUSE_INIT_PROJECT_SECRET_KEY", "NODE_OPTIONS"),
        *("LANGFUSE_MIGRATION_V4_WRITE_MODE", "AUTH_DISABLE_SIGNUP", "HOSTNAME"),
    ],
)
def test_reserved_names_are_refused_as_secrets_too(tmp_path: Path, name: str) -> None:
    for value in ("1", f"${{TF_VAR_langfuse_env_{name}}}"):
        with pytest.raises(ValueError, match=f"^{name} is set by this project"):
            read(tmp_path, f"{name}={value}\n".encode())


def test_secret_may_be_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As any other variable; with neither, and with an empty one, it is missing."""
    name = "TF_VAR_langfuse_env_SMTP_CONNECTION_URL"
    env_file = env_file_with(tmp_path, f"SMTP_CONNECTION_URL=${{{name}}}\n")
    monkeypatch.setenv(name, "")
    with pytest.raises(SettingsError, match=re.escape(f"LANGFUSE_EXTRA_ENV, {name}: the file")):
        load_settings(env_file)
    monkeypatch.setenv(name, "smtps://ada:do-not-print@example.com:465")
    assert load_settings(env_file).extra_environment.secret == ("SMTP_CONNECTION_URL",)
