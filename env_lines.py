"""Judges the lines of ``.env``: refuses those that its readers do not read alike.

python-dotenv reads the file here, ``uv run --env-file`` reads it for Terraform, and a shell may
(``set -a; . ./.env``). Each has a dialect of its own; ``tests/test_env_lines.py`` runs all of them.
"""

import re
from collections.abc import Container, Iterator, Mapping
from io import StringIO
from typing import Final

from dotenv import dotenv_values

_NAME: Final = "[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE: Final = rf"\$\{{({_NAME})\}}"
_TYPOGRAPHIC: Final = "\u2018\u2019\u201c\u201d"
# uv takes a # at the beginning for a comment. A shell expands ~ there and after a colon, zsh also
# =, and braces after export.
_PLAIN: Final = rf"(?![#~=])(?:[^\s'\"\\`$;&|<>(){{}}~={_TYPOGRAPHIC}]|(?<!:)[~=]|{_REFERENCE})+"
# python-dotenv expands ${...} in single quotes as well, and unescapes \\ and \'.
_SINGLE: Final = r"'(?:[^'\\$]|\\(?![\\'])|\$(?!\{))*'"
_DOUBLE: Final = rf'"(?:[^"\\`$]|\\[\\"]|{_REFERENCE})*"'
_VALUE: Final = rf"(?P<value>{_PLAIN}|{_SINGLE}|{_DOUBLE})?"
# After some values uv takes a quote in a comment for one of the value's.
_ALIKE: Final = re.compile(rf"{_VALUE}(?:[ \t]+#[^'\"\\]*|[ \t]*)")
_ASSIGNMENT: Final = re.compile(rf"[ \t]*(?:export[ \t]+)?({_NAME})=(.*)")
# Spaces around the =, or YAML's colon. Capitals: other text may be the second line of a secret.
_NEARLY: Final = re.compile(r"[ \t]*(?:(?:export|set)[ \t]+)?([A-Z][A-Z0-9_]*)[ \t]*[=:].*")
_BLANK: Final = re.compile(r"[ \t]*(?:#.*)?")
# Linux starts no program with a longer variable (MAX_ARG_STRLEN), in bytes.
_LARGEST_FILE: Final = 128 * 1024

# Faults of the file as a whole, by where they begin. Bytes that are not UTF-8 become surrogates.
_PROBLEMS: Final[Mapping[str, str]] = {
    "\0|[\udc80-\udcff]": "is not UTF-8; save the file as UTF-8",
    "^\ufeff": "begins with a byte order mark; save the file as UTF-8 without it",
    "\r": "ends as on Windows; save the file with Unix line ends (LF)",
    r"[^\S\n]\Z": "ends the file with a space, from which uv drops it; add a line break",
}


def values(data: bytes) -> dict[str, str]:
    """Return the variables of a file that has no faults."""
    found = dotenv_values(stream=StringIO(data.decode()))
    return {name: value for name, value in found.items() if value is not None}


def faults(data: bytes, environ: Container[str]) -> list[str]:
    """Return the faults of a file, each with its line and variable, and none with a value.

    Args:
        data: contents of the file.
        environ: names of the environment's variables, to which values may refer.

    """
    if len(data) > _LARGEST_FILE:
        return ["is larger than 128 KiB, too much for an environment; remove what is not meant"]
    text = data.decode(errors="surrogateescape")
    for pattern, problem in _PROBLEMS.items():
        if found := re.search(pattern, text):
            number = text.count("\n", 0, found.start()) + 1
            return [f"line {number}: {problem}"]
    return [*_faults_of_lines(text.split("\n"), environ)]


def _faults_of_lines(lines: list[str], environ: Container[str]) -> Iterator[str]:
    names = {found[1] for found in map(_ASSIGNMENT.fullmatch, lines) if found}
    above: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        if _BLANK.fullmatch(line):
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        if not assignment:
            if nearly := _NEARLY.fullmatch(line):
                problem = f"is no NAME=value; write {nearly[1]}='...' without spaces around ="
                yield f"line {number}, {nearly[1]}: {problem}"
            else:
                problem = "is no NAME=value; begin a comment with #"
                yield f"line {number}: {problem}"
            continue
        name, rest = assignment.groups()
        alike = _ALIKE.fullmatch(rest)
        if not alike:
            yield f"line {number}, {name}: {_problem(name, rest)}"
        elif name in above:
            problem = f"is in line {above[name]} as well, and readers differ; remove one of the two"
            yield f"line {number}, {name}: {problem}"
        elif any(
            each not in above and (each in names or each not in environ)
            for each in re.findall(_REFERENCE, alike["value"] or "")
        ):
            problem = "refers to a variable that is not set above this line; set it above"
            yield f"line {number}, {name}: {problem}"
        above.setdefault(name, number)


def _problem(name: str, rest: str) -> str:
    """Return what readers differ in after the ``=``, and what to write instead."""
    plain = re.match(f"(?:{_PLAIN})?", rest)
    sign = rest[plain.end() if plain else 0]
    text = rest.strip().strip(rest[0]) if rest[0] in "'\"" else rest.strip()
    remedy = _remedy(name, text)
    if re.match(rf"{_VALUE}[ \t]+#", rest):
        problem = "uv may take a quote or a backslash in its comment for one of the value"
        remedy = "put the comment on a line of its own"
    elif re.match(f"{_SINGLE}|{_DOUBLE}", rest):
        problem = "something follows the closing quote"
    elif rest[0] in "'\"" and rest[0] not in rest[1:]:
        problem = "the quote is not closed in this line"
    elif rest[0] == "'":
        problem = (
            "in single quotes, readers differ on ${, on two backslashes, and on one at the end"
        )
    elif rest[0] == '"':
        problem = "in double quotes, readers differ on $, ` and most backslashes"
    elif sign == "$":
        problem = "an unquoted $ is expanded by uv and by a shell"
    elif sign in _TYPOGRAPHIC:
        problem = "a typographic quote is no quote, but one more letter of the value"
    elif sign.isspace():
        problem = "an unquoted space ends the value in a shell, and uv drops all from this line on"
    else:
        problem = f"an unquoted {sign} means something else to uv or to a shell"
    return f"{problem}; {remedy}"


def _remedy(name: str, text: str) -> str:
    if re.fullmatch(_SINGLE, f"'{text}'"):
        remedy = f"write {name}='...' in single quotes"
    elif not re.search("[$`]", text):
        remedy = f'write {name}="..." in double quotes, with a backslash before each " and \\'
    else:
        remedy = "no quotes are read alike with that; choose another value"
    return remedy
