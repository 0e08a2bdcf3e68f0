"""AWAKE_HOURS: what a value means, and what follows from it."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import TypeAdapter, ValidationError

from awake_types import AwakeHours, AwakeHoursValue
from schedule_types import moments

BERLIN = "Mon-Fri 08:00-20:00 Europe/Berlin"
ALL_YEAR = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=count) for count in range(365)]


def hours(text: str) -> AwakeHours:
    found = TypeAdapter(AwakeHoursValue).validate_python(text)
    assert found
    return found


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("Mon", (0,)),
        ("Mon-Fri", (0, 1, 2, 3, 4)),
        ("Sun-Thu", (0, 1, 2, 3, 6)),
        ("Sat,Sun", (5, 6)),
        ("Fri-Mon,Wed", (0, 2, 4, 5, 6)),
        ("Mon-Sun", (0, 1, 2, 3, 4, 5, 6)),
        ("Wed-Tue", (0, 1, 2, 3, 4, 5, 6)),
    ],
)
def test_days(text: str, days: tuple[int, ...]) -> None:
    assert hours(f"{text} 08:30-20:00 UTC") == AwakeHours(
        days=days, begin=time(8, 30), end=time(20), zone="UTC"
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("Mon-Fri 08:00-20:00", "does not have the three parts"),
        ("Mon-Fri, Sat 08:00-20:00 UTC", "does not have the three parts"),
        ("Mon - Fri 08:00-20:00 UTC", "does not have the three parts"),
        ("Mon-Fri 08:00–20:00 UTC", "does not have the three parts"),  # noqa: RUF001 - a dash
        ("Mon-Fri 08:00-20:60 UTC", "has a time that no clock shows"),
        ("Mon-Fri 08:00-24:00 UTC", "has a time that no clock shows"),
        ("Monday 08:00-20:00 UTC", "has another day than Mon, Tue, Wed, Thu, Fri, Sat, Sun"),
        ("Mon--Fri 08:00-20:00 UTC", "has another day"),
        ("Mon,,Fri 08:00-20:00 UTC", "has another day"),
        ("Mon-Fri,Fri 08:00-20:00 UTC", "has a day twice"),
        ("Mon-Fri 20:00-08:00 UTC", "ends before it begins"),
        ("Mon-Fri 08:00-08:00 UTC", "ends before it begins"),
        ("Mon-Fri 08:00-10:59 UTC", "is shorter than three hours"),
        ("Mon-Fri 08:00-20:00 Berlin", "has a time zone that the IANA database has not"),
        ("Mon-Fri 08:00-20:00 ../etc/passwd", "has a time zone that the IANA database has not"),
    ],
)
def test_faults(text: str, fault: str) -> None:
    with pytest.raises(ValidationError) as error:
        hours(text)
    (found,) = error.value.errors()
    assert str(found["ctx"]["error"]).startswith(fault)


@pytest.mark.parametrize(
    ("moment", "inside"),
    [
        # Winter: Berlin is an hour ahead of UTC. 2026-01-05 is a Monday.
        ("2026-01-05T06:59:59", False),
        ("2026-01-05T07:00:00", True),
        ("2026-01-05T18:59:59", True),
        ("2026-01-05T19:00:00", False),
        ("2026-01-10T12:00:00", False),
        # Summer: two hours.
        ("2026-07-06T06:00:00", True),
        ("2026-07-06T18:00:00", False),
    ],
)
def test_hours_are_those_of_the_zone(moment: str, *, inside: bool) -> None:
    assert hours(BERLIN).contains(datetime.fromisoformat(moment).replace(tzinfo=UTC)) is inside


@pytest.mark.parametrize(
    ("moment", "begin", "end"),
    [
        # A Friday evening: on Saturday too there is an end, so that nothing stays awake.
        ("2026-01-09T20:00", "2026-01-12T07:00", "2026-01-10T19:00"),
        ("2026-01-12T07:00", "2026-01-13T07:00", "2026-01-12T19:00"),
        # Over the change to summer time, on Sunday, March 29.
        ("2026-03-27T20:00", "2026-03-30T06:00", "2026-03-28T19:00"),
    ],
)
def test_next_begin_and_end(moment: str, begin: str, end: str) -> None:
    now = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    found = hours(BERLIN)
    assert f"{found.next_begin(now).astimezone(UTC):%Y-%m-%dT%H:%M}" == begin
    assert f"{found.next_end(now).astimezone(UTC):%Y-%m-%dT%H:%M}" == end


def test_text_of_a_moment() -> None:
    now = datetime(2026, 1, 9, 20, tzinfo=UTC)
    found = hours(BERLIN)
    assert found.text(found.next_begin(now)) == "Mon 08:00 Europe/Berlin"


def test_expressions() -> None:
    found = hours("Sun-Tue 08:00-23:55 UTC")
    assert found.wake_cron() == "cron(0 8 ? * MON,TUE,SUN *)"
    assert found.wake_cron(10) == "cron(10 8 ? * MON,TUE,SUN *)"
    assert found.sleep_cron() == "cron(55 23 * * ? *)"
    # The next day, which has an end as well.
    assert found.sleep_cron(10) == "cron(5 0 * * ? *)"
    assert found.backup_cron == "25 23 * * mon,tue,sun"
    assert hours("Mon-Sun 08:00-20:00 UTC").backup_cron == "30 19 * * *"


@pytest.mark.parametrize(
    "text",
    [
        BERLIN,
        "Mon 08:00-11:00 UTC",
        "Mon-Fri 09:00-18:00 America/Los_Angeles",
        "Tue,Thu 00:00-03:00 Pacific/Auckland",
        "Sun 20:00-23:59 America/St_Johns",
        "Wed 06:00-09:00 Asia/Kathmandu",
        "Fri 10:00-13:00 Australia/Lord_Howe",
        "Sat 00:00-03:00 Pacific/Kiritimati",
    ],
)
def test_windows_of_rds_are_within_all_year(text: str) -> None:
    """A database that sleeps is neither backed up nor maintained."""
    found = hours(text)
    for day in ALL_YEAR:
        local = day.astimezone(ZoneInfo(found.zone)).replace(hour=12)
        if local.weekday() not in found.days:
            continue
        begins, ends = (bound(found, local, each) for each in found.backup_window.split("-"))
        assert (ends - begins) == timedelta(minutes=30)
        assert found.contains(begins)
        # While it is backed up, RDS does not stop it.
        assert found.next_end(ends) - ends >= timedelta(minutes=50)
    first, last = found.maintenance_window.split("-")
    end, begin = (datetime.strptime(each, "%H:%M") for each in (last[4:], found.backup_window[:5]))  # noqa: DTZ007
    assert (begin - end) % timedelta(days=1) == timedelta(minutes=10)
    at = [
        each for each in moments(f"{first[7:]} {first[4:6]} * * {first[:3]}") if each.year == 2026
    ]
    assert len(at) == 52
    assert all(map(found.contains, at))


def bound(found: AwakeHours, local: datetime, clock: str) -> datetime:
    """Return the moment of an awake day at which UTC's clock shows this."""
    begin = datetime.combine(local.date(), found.begin, local.tzinfo).astimezone(UTC)
    moment = begin.replace(hour=int(clock[:2]), minute=int(clock[3:]))
    return moment if moment >= begin else moment + timedelta(days=1)


@pytest.mark.parametrize(
    ("schedule", "count"),
    [
        ("15 3 * * *", 365),
        ("0 */6 * * *", 4 * 365),
        ("0,30 9-11 * * *", 6 * 365),
        ("0 20/2 * * *", 2 * 365),
        ("0 12 * * mon-fri", 261),
        ("0 12 * * 0", 52),
        ("0 12 1 jan,JUL *", 2),
        # Either is enough: twelve days of the month, 52 Sundays, one of them the 1st of March and
        # two others 1sts too (February, November).
        ("0 12 1 * sun", 12 + 52 - 3),
        ("0 12 */31 * sun", 12 + 52 - 3),
        ("0 12 */1 * sun", 52),
        ("0 12 29 2 *", 0),
    ],
)
def test_moments_of_a_schedule(schedule: str, count: int) -> None:
    assert len([each for each in moments(schedule) if each.year == 2026]) == count


def test_a_leap_year_is_among_them() -> None:
    assert len([*moments("0 12 29 2 *")]) == 1
