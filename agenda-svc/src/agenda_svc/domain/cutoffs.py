"""Until when one can book or cancel: "n days before at hh:mm", on the town's clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time
from enum import IntEnum
from zoneinfo import ZoneInfo

from preau_kernel.errors import InvalidError

from agenda_svc.domain.calendar import SchoolCalendar
from agenda_svc.domain.days import day_of, iso_weekday

_SATURDAY = 6
_MAX_DAYS_BEFORE = 60
_LAST_HOUR = 23
_LAST_MINUTE = 59
# No calendar has so many days off in a row; a mistaken one must not hang a process.
_FURTHEST = 800


class Counting(IntEnum):
    """Which days count as "before"; the numbers are those of the wire."""

    ALL_DAYS = 1
    SKIP_WEEKENDS = 2
    WORKING_DAYS = 3
    SCHOOL_DAYS = 4


@dataclass(frozen=True, slots=True)
class Cutoff:
    days_before: int
    hour: int
    minute: int
    counting: Counting = Counting.ALL_DAYS

    def __post_init__(self) -> None:
        if not 0 <= self.days_before <= _MAX_DAYS_BEFORE:
            raise InvalidError("INVALID_CUTOFF", "days_before")
        if not (0 <= self.hour <= _LAST_HOUR and 0 <= self.minute <= _LAST_MINUTE):
            raise InvalidError("INVALID_CUTOFF", "hour")


def cutoff_at(cutoff: Cutoff, day: int, zone: ZoneInfo, calendar: SchoolCalendar) -> datetime:
    """The instant from which it is too late, in UTC.

    An hour that the clock skips in spring counts as the instant the clock springs to an hour later; of an hour that
    comes twice in autumn the first one counts.
    """
    remaining = cutoff.days_before
    limit = day
    while remaining and day - limit < _FURTHEST:
        limit -= 1
        if _counts(limit, cutoff.counting, calendar):
            remaining -= 1
    return datetime.combine(day_of(limit), time(cutoff.hour, cutoff.minute), tzinfo=zone).astimezone(UTC)


def _counts(day: int, counting: Counting, calendar: SchoolCalendar) -> bool:
    if counting is Counting.ALL_DAYS:
        return True
    if counting is Counting.SCHOOL_DAYS:
        return calendar.is_school_day(day)
    if iso_weekday(day) >= _SATURDAY:
        return False
    return counting is Counting.SKIP_WEEKENDS or day not in calendar.public_holidays
