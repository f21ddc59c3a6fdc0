"""Which days of a period a bulk entry means."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from enum import IntEnum

from preau_kernel.errors import InvalidError

from agenda_svc.domain.days import check_day, day_number, day_of, iso_weekday

_MAX_MONTHS = 13


class Periodicity(IntEnum):
    """The numbers are those of the wire."""

    NONE = 1
    WEEKLY = 2
    BIWEEKLY = 3
    EVEN_WEEKS = 4
    ODD_WEEKS = 5


def check_period(first: date, last: date) -> tuple[int, int]:
    """Both ends as day numbers; refuses a reversed period and one of more than 13 months."""
    check_day(first, "from")
    check_day(last, "to")
    if last < first:
        raise InvalidError("PERIOD_REVERSED", "to", "the period ends before it starts")
    months = (last.year - first.year) * 12 + last.month - first.month
    if months > _MAX_MONTHS or (months == _MAX_MONTHS and last.day > first.day):
        raise InvalidError("PERIOD_TOO_LONG", "to", "the period is longer than 13 months", max_months=str(_MAX_MONTHS))
    return day_number(first), day_number(last)


def days_of_entry(first: int, last: int, periodicity: Periodicity, weekdays: Collection[int]) -> list[int]:
    """The days from ``first`` to ``last`` of the wanted weeks and weekdays; no weekday means all of them.

    One week in two counts from the week that holds ``first``; even and odd are those of ISO week numbers.
    """
    days: list[int] = []
    start = first - iso_weekday(first) + 1
    for monday in range(start, last + 1, 7):
        if not _is_wanted((monday - start) // 7, monday, periodicity):
            continue
        days.extend(
            day
            for day in range(max(monday, first), min(monday + 6, last) + 1)
            if not weekdays or iso_weekday(day) in weekdays
        )
    return days


def _is_wanted(week: int, monday: int, periodicity: Periodicity) -> bool:
    if periodicity is Periodicity.BIWEEKLY:
        return week % 2 == 0
    if periodicity is Periodicity.EVEN_WEEKS:
        return day_of(monday).isocalendar().week % 2 == 0
    if periodicity is Periodicity.ODD_WEEKS:
        return day_of(monday).isocalendar().week % 2 == 1
    return True
