"""Take over a school calendar. Imported days are a proposal: the town's own closures come on top."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from preau_kernel.context import Context
from preau_kernel.errors import InvalidError, NotFoundError

from agenda_svc.application.ports import CalendarPeriod, PublicHolidays, TownStore
from agenda_svc.application.staff import require_staff
from agenda_svc.domain.activity import check_weekdays
from agenda_svc.domain.calendar import FOUR_DAY_WEEK
from agenda_svc.domain.days import check_day

_DAY = timedelta(days=1)
_SUMMER = "Vacances d'été"
_STATUSES = frozenset({"published", "demo"})


@dataclass(frozen=True, slots=True)
class Imported:
    school_years: int
    closed_periods: int


@dataclass(frozen=True, slots=True)
class _Year:
    starts: date
    ends: date
    status: str
    holidays: Sequence[CalendarPeriod]


async def import_school_calendar(
    ctx: Context,
    store: TownStore,
    public_holidays: PublicHolidays,
    calendar_json: str,
    zone: str,
    subdivision: str,
    school_weekdays: Sequence[int] = (),
) -> Imported:
    """Replaces what was imported before. Holidays are read as ]last evening of class, morning of return[."""
    require_staff(ctx)
    years = _years(calendar_json, zone)
    periods = [period for year in years for period in year.holidays]
    for year, following in pairwise(years):
        if year.ends + _DAY < following.starts:
            periods.append(
                CalendarPeriod("holiday", year.ends + _DAY, following.starts - _DAY, _SUMMER, following.status)
            )
    named = public_holidays.between(years[0].starts, years[-1].ends, subdivision)
    periods.extend(CalendarPeriod("public_holiday", day, day, name, "computed") for day, name in named.items())
    weekdays = check_weekdays(frozenset(school_weekdays)) or FOUR_DAY_WEEK
    await store.replace_calendar(ctx, zone, periods, weekdays)
    return Imported(len(years), len(periods))


def _years(text: str, zone: str) -> list[_Year]:
    try:
        document = json.loads(text)
        found = [_year(entry) for entry in document["calendars"] if entry["zone"] == zone]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InvalidError("INVALID_CALENDAR", "calendar_json", "not in the format of school-calendar.json") from None
    if not found:
        raise NotFoundError("CALENDAR_ZONE_NOT_FOUND", zone=zone)
    return sorted(found, key=lambda year: year.starts)


def _year(entry: Mapping[str, Any]) -> _Year:
    status = entry["status"]
    starts, ends = _day(entry["starts"]), _day(entry["ends"])
    if status not in _STATUSES or ends < starts:
        raise ValueError
    holidays = []
    for each in entry["holidays"]:
        first, last = _day(each["from"]) + _DAY, _day(each["until"]) - _DAY
        if last < first or not each["name"].strip():
            raise ValueError
        holidays.append(CalendarPeriod("holiday", first, last, each["name"].strip(), status))
    return _Year(starts, ends, status, holidays)


def _day(text: str) -> date:
    return check_day(date.fromisoformat(text), "calendar_json")
