"""The Terraform variable of the first user's password, with Langfuse's own rules as validation."""

from cdktf import TerraformVariable, TerraformVariableValidationConfig
from constructs import Construct

from contracts import ADMIN_PASSWORD
from env_file import PLACEHOLDER
from setting_types import SHORTEST_PASSWORD


class AdminPassword(TerraformVariable):
    """Sensitive variable, set by ``TF_VAR_langfuse_admin_password``.

    The plan fails on a password that is too short and on the placeholder of .env.example, so
    neither creates anything.
    """

    def __init__(self, scope: Construct) -> None:
        value = f"var.{ADMIN_PASSWORD}"
        super().__init__(
            scope,
            ADMIN_PASSWORD,
            type="string",
            sensitive=True,
            nullable=False,
            description="Password of the first user: LANGFUSE_ADMIN_PASSWORD in .env.",
            validation=[
                TerraformVariableValidationConfig(
                    condition=f"${{length({value}) >= {SHORTEST_PASSWORD}}}",
                    error_message=(
                        f"LANGFUSE_ADMIN_PASSWORD: needs at least {SHORTEST_PASSWORD} characters; "
                        "set it in .env."
                    ),
                ),
                TerraformVariableValidationConfig(
                    condition=f'${{{value} != "{PLACEHOLDER}"}}',
                    error_message=(
                        "LANGFUSE_ADMIN_PASSWORD: is still the placeholder; set it in .env."
                    ),
                ),
            ],
        )
