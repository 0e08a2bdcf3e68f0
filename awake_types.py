"""Type of the variable AWAKE_HOURS: weekdays, hours, and the time zone that both are in."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Annotated, Final
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BeforeValidator

from faults import refuse_first_of
from setting_types import not_empty

# In the order of ``datetime.weekday``.
WEEKDAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# In minutes. Waking, two windows of RDS and a backup have to fit, in summer and winter alike.
_SHORTEST: Final = 180
# In minutes, of RDS's two windows: AWS's minimum; and when the first begins, before the end.
_WINDOW: Final = 30
_WINDOWS_BEFORE_END: Final = 120
# So that nobody can say that they overlap, as moto does of one that begins where the other ends.
_BETWEEN_WINDOWS: Final = 10
# In minutes: how long before the nodes the database wakes, and after them goes to sleep.
DATABASE_MINUTES: Final = 10
# In minutes before the end: when ClickHouse is backed up.
_BACKUP_BEFORE_END: Final = 30
_DAY: Final = 24 * 60
# Any: the offsets of a zone from UTC are asked of the first day of each month.
_YEAR: Final = 2026
_FORM: Final = re.compile(r"(\S+) (\d\d):(\d\d)-(\d\d):(\d\d) (\S+)")


@dataclass(frozen=True, kw_only=True)
class AwakeHours:
    """The same hours of one day or several, in one time zone."""

    days: tuple[int, ...]
    """Weekdays, ascending; 0 is Monday."""
    begin: time
    end: time
    """Later on the same day."""
    zone: str
    """Name in the IANA database, such as ``Europe/Berlin``."""

    @property
    def share(self) -> float:
        """Share of a week."""
        minutes = len(self.days) * (_minutes(self.end) - _minutes(self.begin))
        return minutes / (len(WEEKDAYS) * _DAY)

    def contains(self, moment: datetime) -> bool:
        """Return whether a moment, which has a time zone, is one of these hours."""
        there = moment.astimezone(ZoneInfo(self.zone))
        return there.weekday() in self.days and self.begin <= there.time() < self.end

    def next_begin(self, moment: datetime) -> datetime:
        """Return the first begin after a moment, which has a time zone."""
        return next(each for each in self._daily(self.begin, moment) if each.weekday() in self.days)

    def next_end(self, moment: datetime) -> datetime:
        """Return the first end after a moment: each day has one, so that nothing stays awake."""
        return next(self._daily(self.end, moment))

    def text(self, moment: datetime) -> str:
        """Return a moment, as this time zone has it: ``Mon 08:00 Europe/Berlin``."""
        there = moment.astimezone(ZoneInfo(self.zone))
        return f"{WEEKDAYS[there.weekday()]} {there:%H:%M} {self.zone}"

    def _daily(self, at: time, moment: datetime) -> Iterator[datetime]:
        """Yield this time of each day, after the moment."""
        there = moment.astimezone(ZoneInfo(self.zone))
        days = (there.date() + timedelta(days=count) for count in range(9))
        times = (datetime.combine(day, at, there.tzinfo) for day in days)
        return (each for each in times if each > there)

    def wake_cron(self, minutes: int = 0) -> str:
        """Return EventBridge's expression of the begins, ``minutes`` later."""
        names = ",".join(WEEKDAYS[day].upper() for day in self.days)
        return f"cron({_clock(_minutes(self.begin) + minutes)} ? * {names} *)"

    def sleep_cron(self, minutes: int = 0) -> str:
        """Return EventBridge's expression of the ends, ``minutes`` later, of all days.

        RDS starts a database again after seven days, and somebody may have woken it on a Saturday.
        """
        return f"cron({_clock(_minutes(self.end) + minutes)} * * ? *)"

    @property
    def backup_cron(self) -> str:
        """Kubernetes' expression of the daily backup, in ``zone``: half an hour before the end."""
        names = ",".join(WEEKDAYS[day].lower() for day in self.days)
        every_day = len(self.days) == len(WEEKDAYS)
        clock = _clock(_minutes(self.end) - _BACKUP_BEFORE_END)
        return f"{clock} * * {'*' if every_day else names}"

    @property
    def backup_window(self) -> str:
        """RDS's window of automated backups in UTC: of a database that sleeps it makes none."""
        begin = self._windows + _WINDOW + _BETWEEN_WINDOWS
        return f"{_hh_mm(begin)}-{_hh_mm(begin + _WINDOW)}"

    @property
    def maintenance_window(self) -> str:
        """RDS's weekly window of maintenance in UTC, before that of backups."""
        ends = (self._windows, self._windows + _WINDOW)
        return "-".join(f"{self._weekday(each)}:{_hh_mm(each)}" for each in ends)

    @property
    def _windows(self) -> int:
        """Minutes from midnight of an awake day in UTC to the first window, all year within."""
        zone = ZoneInfo(self.zone)
        months = (datetime(_YEAR, month, 1, tzinfo=zone) for month in range(1, 13))
        offsets = [each.utcoffset() or timedelta() for each in months]
        return _minutes(self.end) - int(max(offsets).total_seconds()) // 60 - _WINDOWS_BEFORE_END

    def _weekday(self, minutes: int) -> str:
        """Return the day in UTC that has this minute, counted from an awake day's midnight."""
        return WEEKDAYS[(self.days[0] + minutes // _DAY) % len(WEEKDAYS)].lower()


def _minutes(clock: time) -> int:
    return clock.hour * 60 + clock.minute


def _clock(minutes: int) -> str:
    """Return minute and hour as a cron expression has them."""
    hours, left = divmod(minutes % _DAY, 60)
    return f"{left} {hours}"


def _hh_mm(minutes: int) -> str:
    hours, left = divmod(minutes % _DAY, 60)
    return f"{hours:02}:{left:02}"


def _awake_hours(value: object) -> object:
    not_empty(value)
    if not isinstance(value, str):
        return value
    found = _FORM.fullmatch(value)
    if found is None:
        message = "does not have the three parts days, HH:MM-HH:MM and time zone, a space between"
        raise ValueError(message)
    days, *clocks, zone = found.groups()
    begin_hour, begin_minute, end_hour, end_minute = map(int, clocks)
    if max(begin_hour, end_hour) > 23 or max(begin_minute, end_minute) > 59:  # noqa: PLR2004
        message = "has a time that no clock shows; use 00:00 to 23:59"
        raise ValueError(message)
    hours = AwakeHours(
        days=_days(days),
        begin=time(begin_hour, begin_minute),
        end=time(end_hour, end_minute),
        zone=zone,
    )
    _refuse_impossible(hours)
    return hours


def _refuse_impossible(hours: AwakeHours) -> None:
    length = _minutes(hours.end) - _minutes(hours.begin)
    faults = {
        "ends before it begins; a span goes not over midnight, so end it at 23:59": length <= 0,
        "is shorter than three hours, in which waking, backups and maintenance have to fit": (
            0 < length < _SHORTEST
        ),
        "has a time zone that the IANA database has not": hours.zone not in available_timezones(),
    }
    refuse_first_of(faults)


def _days(text: str) -> tuple[int, ...]:
    """Parse such as ``Mon-Fri``, ``Sat`` or ``Sun-Thu,Sat``."""
    found: list[int] = []
    for part in text.split(","):
        first, hyphen, last = part.partition("-")
        names = (first, last) if hyphen else (first, first)
        if not {*names} <= {*WEEKDAYS}:
            message = f"has another day than {', '.join(WEEKDAYS)}"
            raise ValueError(message)
        begin, end = map(WEEKDAYS.index, names)
        found += [
            (begin + count) % len(WEEKDAYS) for count in range((end - begin) % len(WEEKDAYS) + 1)
        ]
    if len(found) != len({*found}):
        message = "has a day twice; name each once"
        raise ValueError(message)
    return tuple(sorted(found))


AwakeHoursValue = Annotated[AwakeHours | None, BeforeValidator(_awake_hours)]
