"""ClickhousePassword: the variable that a plan refuses where Langfuse's migrations would fail."""

import re

import pytest

from constructs_lib.clickhouse_password import ClickhousePassword
from own_clickhouse import fault_of_credential
from tests.helpers.bare_stack import BareStack
from tests.helpers.stack import Stack


@pytest.fixture(scope="module")
def stack(bare_stack: BareStack) -> Stack:
    return bare_stack(ClickhousePassword)


def test_nfr01_variable_is_sensitive_and_validated(stack: Stack) -> None:
    variable = stack.json["variable"]["clickhouse_password"]
    assert variable["sensitive"] is True
    assert "default" not in variable
    for each in variable["validation"]:
        assert each["error_message"].startswith("CLICKHOUSE_PASSWORD: ")


@pytest.mark.parametrize("password", ["a:/$^~!|<>{}[]()'\"\\`,.-_*", "x"])
def test_good_passwords(stack: Stack, password: str) -> None:
    assert accepted(stack, password) is True
    assert fault_of_credential(password) is None


@pytest.mark.parametrize("character", [*"&=#?%+@; \n\u00e4\u20ac", ""])
def test_plan_and_synthesis_refuse_the_same(stack: Stack, character: str) -> None:
    password = f"a{character}b" if character else ""
    assert accepted(stack, password) is False
    assert fault_of_credential(password)


def accepted(stack: Stack, password: str) -> bool:
    """Return what the two patterns of the validation say; they mean the same to RE2."""
    conditions = [
        each["condition"] for each in stack.json["variable"]["clickhouse_password"]["validation"]
    ]
    form = r'\$\{(!?)can\(regex\("(.+)", var\.clickhouse_password\)\)\}'
    found = [re.fullmatch(form, each) for each in conditions[:2]]
    (_, wanted), (negation, forbidden) = [each.groups() for each in found if each]
    assert negation == "!"
    # RE2's $ is the end of the text only.
    return bool(re.fullmatch(wanted.strip("^$"), password)) and not re.search(forbidden, password)
