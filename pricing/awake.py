"""How much of the time what schedules put to sleep is awake."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

_DAY: Final = 24 * 60


def awake_share(schedules: Iterable[Mapping[str, Any]]) -> float:
    """Return the share of a week from the schedule that wakes to the one that puts to sleep.

    Args:
        schedules: ``aws_scheduler_schedule`` of one stack: one with weekdays, which wakes, and one
            of every day; or none, and then it never sleeps.

    """
    fields = [re.findall(r"[^() ]+", each["schedule_expression"])[1:] for each in schedules]
    clocks = {days: int(hour) * 60 + int(minute) for minute, hour, _, _, days, _ in fields}
    if not clocks:
        return 1
    end = clocks.pop("?")
    ((days, begin),) = clocks.items()
    return len(days.split(",")) * ((end - begin) % _DAY) / (7 * _DAY)
