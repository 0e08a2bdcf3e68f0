"""The Terraform variable of the password of a ClickHouse of the user's own."""

from cdktf import TerraformVariable, TerraformVariableValidationConfig
from constructs import Construct

from contracts import CLICKHOUSE_PASSWORD
from env_file import PLACEHOLDER
from own_clickhouse import FORBIDDEN, PRINTABLE


class ClickhousePassword(TerraformVariable):
    """Sensitive variable, set by ``TF_VAR_clickhouse_password``.

    The plan fails on what Langfuse's migrations would not enter the server with, before anything is
    created.
    """

    def __init__(self, scope: Construct) -> None:
        value = f"var.{CLICKHOUSE_PASSWORD}"
        super().__init__(
            scope,
            CLICKHOUSE_PASSWORD,
            type="string",
            sensitive=True,
            nullable=False,
            description="Password of a ClickHouse of your own: CLICKHOUSE_PASSWORD in .env.",
            validation=[
                TerraformVariableValidationConfig(
                    condition=f'${{can(regex("^{PRINTABLE}$", {value}))}}',
                    error_message=(
                        "CLICKHOUSE_PASSWORD: is empty, or has a space or a character that is not "
                        "of ASCII; choose another one, and set it in .env."
                    ),
                ),
                TerraformVariableValidationConfig(
                    condition=f'${{!can(regex("[{FORBIDDEN}]", {value}))}}',
                    error_message=(
                        f"CLICKHOUSE_PASSWORD: has one of {' '.join(FORBIDDEN)}, and Langfuse puts "
                        "it into a URL as it is; choose another one, and set it in .env."
                    ),
                ),
                TerraformVariableValidationConfig(
                    condition=f'${{{value} != "{PLACEHOLDER}"}}',
                    error_message=(
                        "CLICKHOUSE_PASSWORD: is still the placeholder; set it in .env."
                    ),
                ),
            ],
        )
