"""Writes what the settings declare into docs/configuration.md, the README and ``.env.example``."""

import textwrap
from collections.abc import Iterator
from typing import Any, Final

from pydantic.fields import FieldInfo

from docs.marked_blocks import table, with_block
from option_fields import GUIDES
from settings import Settings

FIELDS: Final = Settings.model_fields
# Everything below this line of .env.example is written here.
OPTIONAL: Final = "# --- Optional: uncomment to change a default "
WIDTH: Final = 100


def in_page(page: str) -> str:
    """Return docs/configuration.md with the present tables, one for each group."""
    return with_block(page, "configuration", "\n\n".join(map(_chapter, _groups())))


def in_readme(page: str) -> str:
    """Return the README with the present table of required variables."""
    rows = [
        (f"`{name.upper()}`", f"{field.description}")
        for name, field in FIELDS.items()
        if _is_required(name)
    ]
    return with_block(page, "required", table(("variable", "value"), *rows))


def in_example(example: str) -> str:
    """Return ``.env.example`` with the present optional variables, commented out."""
    required, found, _ = example.partition(OPTIONAL)
    if not found:
        message = f".env.example has no line that begins {OPTIONAL!r}"
        raise ValueError(message)
    above = ", ".join(name.upper() for name in FIELDS if _rebuilds(name) and _is_required(name))
    lines = [
        OPTIONAL.ljust(WIDTH - 1, "-"),
        *_comment(
            "[rebuild] marks what cannot change in place: destroy app, deps and network first. "
            f"{above}, above, is [rebuild] too."
        ),
    ]
    for group in _groups():
        names = [name for name in _members(group) if not _is_required(name)]
        if names:
            guide = f" (docs/{GUIDES[group]})" if group in GUIDES else ""
            lines += ["", f"# --- {group}{guide} ".ljust(WIDTH - 1, "-")]
            lines += [line for name in names for line in _example_lines(name, FIELDS[name])]
    return "\n".join([required.rstrip("\n"), "", *lines, ""])


def _chapter(group: str) -> str:
    rows = [
        (
            f"`{name.upper()}`",
            f"{FIELDS[name].title}",
            f"{FIELDS[name].description}",
            _default(name),
            "rebuild" if _rebuilds(name) else "",
        )
        for name in _members(group)
    ]
    more = f"More: [{GUIDES[group]}]({GUIDES[group]}).\n\n" if group in GUIDES else ""
    head = ("variable", "purpose", "form", "default", "change")
    return f"## {group}\n\n{more}{table(head, *rows)}"


def _example_lines(name: str, field: FieldInfo) -> Iterator[str]:
    yield from _comment(
        f"{field.title}. Expected: {field.description}.{' [rebuild]' * _rebuilds(name)}"
    )
    value = _written(field.default) or str((field.examples or [""])[0])
    yield f"#{name.upper()}=" + (f"'{value}'" if " " in value else value)
    if variable := _about(name)["handed_on"]:
        yield f"#TF_VAR_{variable}=${{{name.upper()}}}"


def _groups() -> list[str]:
    return list(dict.fromkeys(_about(name)["group"] for name in FIELDS))


def _members(group: str) -> list[str]:
    return [name for name in FIELDS if _about(name)["group"] == group]


def _about(name: str) -> dict[str, Any]:
    about = FIELDS[name].json_schema_extra
    if not isinstance(about, dict):
        message = f"{name} is not declared by setting()"
        raise TypeError(message)
    return about


def _rebuilds(name: str) -> bool:
    return bool(_about(name)["rebuild"])


def _is_required(name: str) -> bool:
    """Return whether it must be set, at least where nothing stands in for it."""
    return FIELDS[name].is_required() or _about(name)["instead"] is not None


def _default(name: str) -> str:
    instead = _about(name)["instead"]
    if instead:
        return f"required, or `{instead}`"
    return "required" if _is_required(name) else _code(_written(FIELDS[name].default))


def _written(value: object) -> str:
    """Return a default as ``.env`` has it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _comment(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False
    )
