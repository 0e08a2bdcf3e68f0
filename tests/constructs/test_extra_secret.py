"""ExtraSecret: the variable of a secret environment variable of Langfuse."""

from constructs_lib.extra_secret import ExtraSecret
from tests.helpers.bare_stack import BareStack


def test_nfr01_variable_is_sensitive_and_must_be_set(bare_stack: BareStack) -> None:
    stack = bare_stack(lambda scope: ExtraSecret(scope, name="SMTP_CONNECTION_URL"))
    variable = stack.json["variable"]["langfuse_env_SMTP_CONNECTION_URL"]
    assert variable["sensitive"] is True
    assert variable["nullable"] is False
    assert "default" not in variable
    (validation,) = variable["validation"]
    assert validation["condition"] == '${var.langfuse_env_SMTP_CONNECTION_URL != ""}'
    assert validation["error_message"] == (
        "TF_VAR_langfuse_env_SMTP_CONNECTION_URL: is empty; set it in .env."
    )
