"""Which days a bulk entry means."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from agenda_svc.domain.days import (
    activity_in,
    day_in,
    day_number,
    day_of,
    iso_weekday,
    keys_between,
    month_days,
    session_key,
)
from agenda_svc.domain.periodicity import Periodicity, check_period, days_of_entry
from hypothesis import given
from hypothesis import strategies as st
from preau_kernel.errors import InvalidError

from tests.unit.agenda.town import SCHOOL_DAYS, iso, number

SEPTEMBER = (number("2025-09-01"), number("2025-09-30"))


def test_september_2025_has_the_document_s_eighteen_school_days() -> None:
    days = days_of_entry(*SEPTEMBER, Periodicity.NONE, SCHOOL_DAYS)

    assert len(days) == 18
    assert [sum(1 for day in days if iso_weekday(day) == weekday) for weekday in (1, 2, 4, 5)] == [5, 5, 4, 4]


def test_no_weekday_means_every_day() -> None:
    assert len(days_of_entry(*SEPTEMBER, Periodicity.WEEKLY, ())) == 30


def test_one_week_in_two_counts_from_the_week_of_the_first_day() -> None:
    days = days_of_entry(number("2025-09-03"), number("2025-09-30"), Periodicity.BIWEEKLY, {1, 3})

    assert [iso(day) for day in days] == ["2025-09-03", "2025-09-15", "2025-09-17", "2025-09-29"]


def test_even_and_odd_weeks_are_those_of_the_iso_calendar_also_over_new_year() -> None:
    period = (number("2026-12-21"), number("2027-01-17"))  # weeks 52, 53, 1, 2

    even = days_of_entry(*period, Periodicity.EVEN_WEEKS, {1})
    odd = days_of_entry(*period, Periodicity.ODD_WEEKS, {1})

    assert [iso(day) for day in even] == ["2026-12-21", "2027-01-11"]
    assert [iso(day) for day in odd] == ["2026-12-28", "2027-01-04"]


DAYS = st.dates(date(2001, 1, 1), date(2098, 1, 1)).map(day_number)


@given(DAYS, st.integers(0, 390), st.frozensets(st.integers(1, 7)))
def test_even_and_odd_weeks_share_the_period_out(first: int, length: int, weekdays: frozenset[int]) -> None:
    last = first + length

    parts = [
        set(days_of_entry(first, last, each, weekdays)) for each in (Periodicity.EVEN_WEEKS, Periodicity.ODD_WEEKS)
    ]

    assert parts[0].isdisjoint(parts[1])
    assert parts[0] | parts[1] == set(days_of_entry(first, last, Periodicity.NONE, weekdays))


@given(DAYS, st.integers(0, 390), st.sampled_from(Periodicity), st.frozensets(st.integers(1, 7)))
def test_days_are_in_the_period_in_order_and_of_the_wanted_weekdays(
    first: int, length: int, periodicity: Periodicity, weekdays: frozenset[int]
) -> None:
    days = days_of_entry(first, first + length, periodicity, weekdays)

    assert days == sorted(set(days))
    assert all(first <= day <= first + length for day in days)
    assert all(not weekdays or iso_weekday(day) in weekdays for day in days)


@given(DAYS, st.integers(1, 65_535))
def test_a_session_s_key_holds_its_day_and_its_activity_and_sorts_by_day(day: int, activity: int) -> None:
    key = session_key(day, activity)
    first, last = keys_between(day, day)

    assert (day_in(key), activity_in(key)) == (day, activity)
    assert first < key <= last < session_key(day + 1, 1)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_weekdays_of_numbers_are_those_of_the_calendar(day: date) -> None:
    assert iso_weekday(day_number(day)) == day.isoweekday()
    assert day_of(day_number(day)) == day


def test_thirteen_months_are_the_longest_period() -> None:
    first = date(2025, 9, 1)

    assert check_period(first, date(2026, 10, 1)) == (day_number(first), day_number(date(2026, 10, 1)))
    with pytest.raises(InvalidError) as too_long:
        check_period(first, date(2026, 10, 2))
    with pytest.raises(InvalidError) as reversed_:
        check_period(first, first - timedelta(days=1))
    assert (too_long.value.reason, reversed_.value.reason) == ("PERIOD_TOO_LONG", "PERIOD_REVERSED")
    assert (too_long.value.metadata["field"], reversed_.value.metadata["field"]) == ("to", "to")


@pytest.mark.parametrize("day", [date(1, 1, 1), date(1999, 12, 31), date(2100, 1, 1), date(9999, 12, 31)])
def test_days_of_other_centuries_are_refused(day: date) -> None:
    with pytest.raises(InvalidError) as refusal:
        check_period(day, day)
    assert refusal.value.reason == "DAY_OUT_OF_RANGE"


def test_a_month_ends_where_the_next_begins() -> None:
    assert [iso(day) for day in month_days(2024, 2)] == ["2024-02-01", "2024-02-29"]
    assert [iso(day) for day in month_days(2025, 12)] == ["2025-12-01", "2025-12-31"]
    for year, month in ((2025, 0), (2025, 13), (1900, 1)):
        with pytest.raises(InvalidError):
            month_days(year, month)
