"""The first user's password, as a Terraform variable that refuses values Langfuse refuses."""

from typing import Final

from cdktf import TerraformStack, TerraformVariable, TerraformVariableValidationConfig

from settings import PLACEHOLDER

ADMIN_PASSWORD: Final = "langfuse_admin_password"  # noqa: S105 - the name of a variable

# Langfuse refuses a shorter one, and its web pod does not start.
SHORTEST_ADMIN_PASSWORD: Final = 8


def admin_password(stack: TerraformStack) -> str:
    """Declare the sensitive variable of TF_VAR_langfuse_admin_password and return its token.

    The plan of ``stack`` fails on the placeholder of .env.example and on a password that is too
    short, before anything is made.
    """
    password = f"var.{ADMIN_PASSWORD}"
    variable = TerraformVariable(
        stack,
        ADMIN_PASSWORD,
        type="string",
        sensitive=True,
        nullable=False,
        description="Password of the first user: LANGFUSE_ADMIN_PASSWORD in .env.",
        validation=[
            TerraformVariableValidationConfig(
                condition=f"${{length({password}) >= {SHORTEST_ADMIN_PASSWORD}}}",
                error_message=(
                    "LANGFUSE_ADMIN_PASSWORD: needs at least "
                    f"{SHORTEST_ADMIN_PASSWORD} characters; set it in .env."
                ),
            ),
            TerraformVariableValidationConfig(
                condition=f'${{{password} != "{PLACEHOLDER}"}}',
                error_message="LANGFUSE_ADMIN_PASSWORD: is still the placeholder; set it in .env.",
            ),
        ],
    )
    return variable.string_value
