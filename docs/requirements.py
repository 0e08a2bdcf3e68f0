"""Names the tests that show each requirement, for docs/requirements.md.

A test has the numbers that it shows in its name: ``test_fr06_nfr03_firewall`` is of FR6 and NFR3.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "requirements.md"
# Number, sentence, tests; a requirement without tests keeps the words that stand there.
LINE: Final = re.compile(r"^\| (N?FR\d+) \| (.+?) \| (.*) \|$", re.MULTILINE)
TEST: Final = re.compile(r"^def (test_((?:n?fr\d+_)+)\w+)", re.MULTILINE)


def shown() -> Iterator[tuple[str, str, str]]:
    """Yield number, file below the project's folder, and name of every test with a number."""
    for file in sorted(ROOT.glob("tests/**/test_*.py")):
        for name, numbers in TEST.findall(file.read_text(encoding="utf-8")):
            for kind, digits in re.findall(r"(n?fr)(\d+)_", numbers):
                yield f"{kind.upper()}{int(digits)}", file.relative_to(ROOT).as_posix(), name


def in_page(page: str) -> str:
    """Return the page with the tests that there are."""
    tests: dict[str, dict[str, list[str]]] = {}
    for number, file, name in shown():
        tests.setdefault(number, {}).setdefault(file, []).append(f"`{name}`")

    def line(found: re.Match[str]) -> str:
        number, sentence, words = found.groups()
        listed = [
            f"[{file.removeprefix('tests/')}](../{file}): {', '.join(names)}"
            for file, names in tests.get(number, {}).items()
        ]
        return f"| {number} | {sentence} | {'<br>'.join(listed) or words} |"

    return LINE.sub(line, page)
