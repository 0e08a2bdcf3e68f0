"""Type of a variable that is a schedule: a cron expression."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
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

# Any year.
_FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)


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


def moments(schedule: str) -> Iterator[datetime]:
    """Yield the moments of a checked schedule in UTC, for four years: one has a February 29."""
    fields = [
        _values(text, first, last, names)
        for text, (_, first, last, names) in zip(schedule.split(), _CRON_FIELDS, strict=True)
    ]
    minutes, hours, days, months, weekdays = fields
    # Of days and weekdays, one with a * restricts nothing; without any, either is enough.
    _, _, *dates = schedule.split()
    combine = all if any({"*", "*/1"} & {*dates[each].split(",")} for each in (0, 2)) else any
    for count in range(4 * 365 + 1):
        date = _FIRST + timedelta(days=count)
        if date.month in months and combine(
            (date.day in days, date.isoweekday() % len(_WEEKDAYS) in weekdays)
        ):
            yield from (date.replace(hour=h, minute=m) for h in sorted(hours) for m in minutes)


def _values(text: str, first: int, last: int, names: tuple[str, ...]) -> set[int]:
    """Return the values of a checked field."""
    found: set[int] = set()
    for each in text.lower().split(","):
        values, slash, step = each.partition("/")
        bounds = (
            [first, last]
            if values == "*"
            else [
                first + names.index(value) if value in names else int(value)
                for value in values.split("-")
            ]
        )
        # N/step is every step from N on.
        end = last if slash and len(bounds) == 1 else bounds[-1]
        found |= {*range(bounds[0], end + 1, int(step) if slash else 1)}
    return found


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
