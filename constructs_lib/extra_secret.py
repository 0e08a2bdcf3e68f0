"""The Terraform variable of a secret environment variable of Langfuse."""

from cdktf import TerraformVariable, TerraformVariableValidationConfig
from constructs import Construct

from contracts import EXTRA_SECRET


class ExtraSecret(TerraformVariable):
    """Sensitive variable, set by ``TF_VAR_langfuse_env_<name>``."""

    def __init__(self, scope: Construct, *, name: str) -> None:
        """Declare the variable.

        Args:
            scope: parent construct.
            name: name of the environment variable.

        """
        variable = f"{EXTRA_SECRET}{name}"
        super().__init__(
            scope,
            variable,
            type="string",
            sensitive=True,
            nullable=False,
            description=f"Environment variable {name} of Langfuse: TF_VAR_{variable} in .env.",
            validation=[
                TerraformVariableValidationConfig(
                    condition=f'${{var.{variable} != ""}}',
                    error_message=f"TF_VAR_{variable}: is empty; set it in .env.",
                )
            ],
        )
