"""docs/requirements.md: every requirement has its tests, every number in a test's name its line."""

import re

from docs.requirements import LINE, PAGE, in_page, shown

TEXT = PAGE.read_text(encoding="utf-8")


def test_every_number_has_one_line() -> None:
    numbers = [number for number, _, _ in LINE.findall(TEXT)]
    functional = [f"FR{number}" for number in range(1, 34)]
    assert numbers == [*functional, *(f"NFR{number}" for number in range(1, 13))]
    assert {number for number, _, _ in shown()} <= set(numbers)


def test_every_requirement_has_tests_or_says_why_not() -> None:
    assert [number for number, _, tests in LINE.findall(TEXT) if not tests.strip()] == []


def test_tests_are_found_and_the_others_kept() -> None:
    page = "| FR1 | A promise | |\n| FR99 | Another | cannot be shown here |\n"
    first, second = in_page(page.replace("| |", "|  |")).splitlines()
    assert re.search(r"\(\.\./tests/constructs/test_public_vpc\.py\): `test_fr01_\w+`", first)
    assert second == "| FR99 | Another | cannot be shown here |"
