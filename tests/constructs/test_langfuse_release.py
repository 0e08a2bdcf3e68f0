"""LangfuseRelease: the chart with its values, and the secrets beside them."""

import pytest
from cdktf import TerraformStack, TerraformVariable

from constructs_lib.langfuse_release import TIMEOUT, LangfuseRelease
from tests.helpers.bare_stack import BareStack
from tests.helpers.chart_values import chart_values
from tests.helpers.stack import Stack

# Keys of the Secret, and the variables that have the values.
VARIABLES = {"salt": "salt", "admin-password": "admin_password", "SMTP_CONNECTION_URL": "mail"}


def langfuse(bare_stack: BareStack, wait_seconds: int = TIMEOUT) -> Stack:
    def make(stack: TerraformStack) -> LangfuseRelease:
        secrets = {
            key: TerraformVariable(stack, name).string_value for key, name in VARIABLES.items()
        }
        return LangfuseRelease(
            stack,
            "langfuse",
            chart="https://charts.example.com",
            values={"extraManifests": {"secret": {"type": "Opaque"}}},
            secrets=secrets,
            noticed=[*secrets.values()],
            wait_seconds=wait_seconds,
        )

    return bare_stack(make)


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    return langfuse(bare_stack)


def test_fr10_release_has_a_namespace_and_time(stack: Stack) -> None:
    release = stack.resource("helm_release", "langfuse")
    assert release["namespace"] == "langfuse"
    assert release["create_namespace"] is True
    assert release["timeout"] >= 1200


def test_a_change_of_the_wait_is_no_update(bare_stack: BareStack) -> None:
    """It would be one without the secrets."""
    release = langfuse(bare_stack, wait_seconds=780).resource("helm_release", "langfuse")
    assert release["timeout"] == 780
    assert release["lifecycle"] == {"ignore_changes": ["timeout"]}


def test_nfr01_secrets_go_into_the_secret_and_nowhere_else(stack: Stack) -> None:
    release = stack.resource("helm_release", "langfuse")
    assert not {"set", "set_list", "set_sensitive"} & set(release)
    written = {item["name"]: item for item in release["set_wo"]}
    kind = written.pop("extraManifests.secret.kind")
    assert {name: item["value"] for name, item in written.items()} == {
        f"extraManifests.secret.data.{key}": f"${{base64encode(var.{name})}}"
        for key, name in VARIABLES.items()
    }
    assert {item["type"] for item in written.values()} == {"string"}
    # Without the write-only values Helm refuses what has no kind, instead of emptying the Secret.
    assert kind["value"] == "Secret"
    assert chart_values(stack) == {"extraManifests": {"secret": {"type": "Opaque"}}}


def test_nfr01_secrets_are_sent_with_every_update(stack: Stack) -> None:
    """The provider sends them only with a larger revision: anything of the release changes it."""
    release = stack.resource("helm_release", "langfuse")
    assert release["set_wo_revision"] == "${terraform_data.secrets_revision.output}"
    revision = stack.resource("terraform_data", "secrets_revision")
    assert revision["lifecycle"]["ignore_changes"] == ["input"]
    assert "plantimestamp()" in revision["input"]
    follows = revision["triggers_replace"]["release"]
    for name in VARIABLES.values():
        assert f"var.{name}" in follows
    assert release["values"] == ["${local.langfuse_values}"]
    for part in ("local.langfuse_values", release["repository"], release["version"]):
        assert part in follows
    assert follows.startswith("${nonsensitive(sha256(")
