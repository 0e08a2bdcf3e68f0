"""GeneratedPassword: the random password of a pod or of the database."""

from constructs_lib.generated_password import GeneratedPassword
from tests.helpers.bare_stack import BareStack


def test_fits_into_a_url_unescaped(bare_stack: BareStack) -> None:
    stack = bare_stack(lambda stack: GeneratedPassword(stack, "redis_password"))
    (password,) = stack.json["resource"]["random_password"].values()
    assert (password["length"], password["special"]) == (48, False)
