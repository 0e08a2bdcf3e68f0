"""Type of a variable that is a schedule: a cron expression."""

from typing import Annotated, Final

from pydantic import BeforeValidator

from setting_types import not_empty

_MONTHS: Final = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
_WEEKDAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
# Fields of a cron expression, with their first and last value, and names of the values.
_CRON_FIELDS: Final[tuple[tuple[str, int, int, tuple[str, ...]], ...]] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("weekday", 0, 6, _WEEKDAYS),
)


def _schedule(value: object) -> object:
    """Check a cron expression as Kubernetes parses it (robfig/cron v3, ``ParseStandard``).

    ``none`` becomes None. Kubernetes would take ``@daily`` as well; one form is enough.
    """
    not_empty(value)
    if not isinstance(value, str):
        return value
    if value.strip().lower() == "none":
        return None
    fields = value.split()
    if len(fields) != len(_CRON_FIELDS):
        message = "does not have five fields: minute, hour, day of the month, month, weekday"
        raise ValueError(message)
    for field, (name, first, last, names) in zip(fields, _CRON_FIELDS, strict=True):
        if not all(_is_cron_range(each, first, last, names) for each in field.split(",")):
            message = f"has a wrong {name}; use * or numbers from {first} to {last}"
            raise ValueError(message)
    return " ".join(fields)


def _is_cron_range(text: str, first: int, last: int, names: tuple[str, ...]) -> bool:
    """Return whether this is ``*``, a value or a range of two, with or without ``/step``."""
    values, slash, step = text.lower().partition("/")
    if slash and not (step.isdecimal() and int(step)):
        return False
    if values == "*":
        return True
    bounds = [
        first + names.index(each) if each in names else int(each) if each.isdecimal() else -1
        for each in values.split("-")
    ]
    return len(bounds) <= 2 and first <= bounds[0] <= bounds[-1] <= last  # noqa: PLR2004


Schedule = Annotated[str | None, BeforeValidator(_schedule)]
