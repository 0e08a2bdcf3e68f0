"""An installation of each kept release survives a deploy of today's: nothing is lost unawares.

A break that is meant has its line on a page of ``docs/upgrades``.
"""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from packaging.version import Version

from tests.helpers.checkout import ROOT
from tests.helpers.synthesis import Stacks, Synthesize, WithOptions
from tests.options.table import OPTIONS
from tests.releases import kept
from tests.releases.__main__ import main as keep
from tests.releases.kept import DEFAULT, Release, Variant
from tests.releases.meant import meant_since, pages
from tests.releases.terraform import breaks

Upgrades = Callable[[Version], dict[str, frozenset[str]]]


@pytest.fixture(scope="module")
def upgrades(stacks: Stacks, with_options: WithOptions, synthesize: Synthesize) -> Upgrades:
    """Return a function: the breaks of an upgrade from a release, by the variant."""

    def today(name: str, variant: Variant) -> Stacks:
        if name == DEFAULT:
            return stacks
        known = OPTIONS.get(name) == variant.lines
        return with_options(name) if known else synthesize(**variant.lines)

    @cache
    def run(version: Version) -> dict[str, frozenset[str]]:
        return {
            name: frozenset(between(variant, today(name, variant)))
            for name, variant in kept.release(version).variants.items()
        }

    return run


def between(variant: Variant, today: Stacks) -> set[str]:
    """Return the breaks of all stacks of a variant."""
    return {
        found
        for name, before in variant.stacks.items()
        for found in breaks(name, before, kept.anywhere(today[name].text))
    }


@pytest.mark.parametrize("version", kept.versions(), ids=str)
def test_nothing_is_lost_unawares(upgrades: Upgrades, version: Version) -> None:
    unmeant = {
        variant: sorted(found - meant_since(version))
        for variant, found in upgrades(version).items()
        if found - meant_since(version)
    }
    assert unmeant == {}


@pytest.mark.parametrize("page", pages(), ids=str)
def test_a_page_lists_what_happens(upgrades: Upgrades, page: Version) -> None:
    """A line of what does not happen would hide it once it does."""
    before = [version for version in kept.versions() if version < page]
    found = {
        each for version in before for each in frozenset[str]().union(*upgrades(version).values())
    }
    assert pages()[page]
    assert pages()[page] <= found


def test_every_release_is_kept() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## (\d\S*) - ", changelog, re.MULTILINE)
    assert released
    assert {*map(Version, released)} <= {*kept.versions()}


@pytest.mark.parametrize("version", kept.versions(), ids=str)
def test_what_is_kept_is_of_no_machine(version: Version) -> None:
    release = kept.release(version)
    assert release.version == str(version)
    assert DEFAULT in release.variants
    text = json.dumps([variant.stacks for variant in release.variants.values()])
    assert kept.PROJECT in text
    assert re.findall(r"\"/(?:root|home|tmp|Users|private)/[^\"]*|do-not-print", text) == []


def test_a_release_is_kept_as_it_is(tmp_path: Path) -> None:
    release = Release(
        "1.0.0", "abc", {DEFAULT: Variant({"A": "b"}, {"app": {"é": [1]}})}, {"app/assets/a": "b"}
    )
    files = [tmp_path / name for name in ("first", "second")]
    for file in files:
        release.write(file)
    assert Release.read(files[0]) == release
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "usage: python -m tests.releases VERSION, such as 0.2.0"),
        (["next"], "usage: python -m tests.releases VERSION, such as 0.2.0"),
        (["1", "2"], "usage: python -m tests.releases VERSION, such as 0.2.0"),
        (
            ["0.1.0"],
            "tests/releases/0.1.0.json.xz is kept already: what was released does not change",
        ),
    ],
)
def test_keeping_says_what_is_wrong(arguments: list[str], said: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        keep(arguments)
    assert stopped.value.code == said
