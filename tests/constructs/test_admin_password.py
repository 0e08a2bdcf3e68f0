"""AdminPassword: the variable that a plan refuses where Langfuse would."""

from constructs_lib.admin_password import AdminPassword
from tests.helpers.bare_stack import BareStack


def test_nfr01_variable_is_sensitive_and_validated(bare_stack: BareStack) -> None:
    variable = bare_stack(AdminPassword).json["variable"]["langfuse_admin_password"]
    assert variable["sensitive"] is True
    assert "default" not in variable
    conditions = [each["condition"] for each in variable["validation"]]
    assert conditions == [
        "${length(var.langfuse_admin_password) >= 8}",
        '${var.langfuse_admin_password != "change-me"}',
    ]
    for each in variable["validation"]:
        assert each["error_message"].startswith("LANGFUSE_ADMIN_PASSWORD: ")
