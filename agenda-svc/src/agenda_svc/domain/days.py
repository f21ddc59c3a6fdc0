"""Days as numbers, and the key of a session.

A session is one activity on one day. Its key packs both, so that one bigint stands for them in the hot tables and a
range of keys is a range of days.
"""

from __future__ import annotations

from datetime import date

from preau_kernel.errors import InvalidError

_EPOCH = date(1970, 1, 1).toordinal()
_ACTIVITY_BITS = 16
_ACTIVITY_MASK = (1 << _ACTIVITY_BITS) - 1
_FIRST_YEAR = 2000
_LAST_YEAR = 2100
_MONTHS_IN_YEAR = 12

MAX_ACTIVITY_KEY = _ACTIVITY_MASK


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def day_of(number: int) -> date:
    return date.fromordinal(number + _EPOCH)


def iso_weekday(number: int) -> int:
    """1 for Monday to 7 for Sunday; the first of January 1970 was a Thursday."""
    return (number + 3) % 7 + 1


def session_key(day: int, activity_key: int) -> int:
    return day << _ACTIVITY_BITS | activity_key


def day_in(key: int) -> int:
    """The day number packed in a session key."""
    return key >> _ACTIVITY_BITS


def activity_in(key: int) -> int:
    """The activity key packed in a session key."""
    return key & _ACTIVITY_MASK


def keys_between(first: int, last: int) -> tuple[int, int]:
    """The smallest and the largest session key of the days from ``first`` to ``last``, both included."""
    return first << _ACTIVITY_BITS, last << _ACTIVITY_BITS | _ACTIVITY_MASK


def check_day(day: date, field: str) -> date:
    """A day a town could mean, or ``INVALID/DAY_OUT_OF_RANGE``: keeps arithmetic with days and time zones safe."""
    if not _FIRST_YEAR <= day.year < _LAST_YEAR:
        raise InvalidError("DAY_OUT_OF_RANGE", field, "the day is outside this century")
    return day


def month_days(year: int, month: int) -> tuple[int, int]:
    """The first and last day of a month, or ``INVALID/DAY_OUT_OF_RANGE``."""
    if not (_FIRST_YEAR <= year < _LAST_YEAR and 1 <= month <= _MONTHS_IN_YEAR):
        raise InvalidError("DAY_OUT_OF_RANGE", "month", "no such month")
    following = date(year + month // _MONTHS_IN_YEAR, month % _MONTHS_IN_YEAR + 1, 1)
    return day_number(date(year, month, 1)), day_number(following) - 1
