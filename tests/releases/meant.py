"""The breaks that are meant: the pages of ``docs/upgrades``, each of the release that has them."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from packaging.version import Version

from tests.helpers.checkout import ROOT

PAGES: Final = ROOT / "docs" / "upgrades"
# An item of the list: a break as the judge words it.
ITEM: Final = re.compile(r"^- `(\w+ [^`]+)`", re.MULTILINE)


@cache
def pages() -> dict[Version, frozenset[str]]:
    """Return the breaks of each page, by the release that the page is of."""
    return {Version(page.stem): listed(page) for page in PAGES.glob("[0-9]*.md")}


def listed(page: Path) -> frozenset[str]:
    """Return the breaks that a page lists."""
    return frozenset(ITEM.findall(page.read_text(encoding="utf-8")))


def meant_since(version: Version) -> frozenset[str]:
    """Return all breaks of the releases after one."""
    return frozenset[str]().union(*(items for later, items in pages().items() if later > version))
