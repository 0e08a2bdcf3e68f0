"""The first user's password, as a Terraform variable that refuses values Langfuse refuses."""

from typing import Final

from cdktf import TerraformVariable, TerraformVariableValidationConfig
from constructs import Construct

from contracts import ADMIN_PASSWORD
from env_file import PLACEHOLDER

# Langfuse refuses a shorter one, and its web pod does not start.
SHORTEST: Final = 8


class AdminPassword(TerraformVariable):
    """The sensitive variable of ``TF_VAR_langfuse_admin_password``.

    The plan of its stack fails on the placeholder of .env.example and on a password that is too
    short, before anything is created.
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
                    condition=f"${{length({value}) >= {SHORTEST}}}",
                    error_message=(
                        f"LANGFUSE_ADMIN_PASSWORD: needs at least {SHORTEST} characters; "
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
