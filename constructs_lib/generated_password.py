"""A random password that Terraform generates."""

from typing import Final

from cdktf_cdktf_provider_random.password import Password
from constructs import Construct

# Letters and digits only, because Langfuse puts passwords into URLs unescaped: 48 characters out of
# 62 are 285 bits.
LENGTH: Final = 48


class GeneratedPassword(Password):
    """A password of letters and digits; ``result`` is its value, a sensitive token."""

    def __init__(self, scope: Construct, id_: str) -> None:
        super().__init__(scope, id_, length=LENGTH, special=False)
