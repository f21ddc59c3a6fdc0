"""Until when: the towns' own tables of limits are the test vectors."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from agenda_svc.domain.calendar import SchoolCalendar
from agenda_svc.domain.cutoffs import Counting, Cutoff, cutoff_at
from agenda_svc.domain.days import day_number
from hypothesis import given
from hypothesis import strategies as st
from preau_kernel.errors import InvalidError

from tests.unit.agenda.town import MARTINIQUE, PARIS, number

TWO_DAYS_AT_NOON = Cutoff(2, 12, 0, Counting.SKIP_WEEKENDS)
THREE_WORKING_DAYS = Cutoff(3, 18, 0, Counting.WORKING_DAYS)
SCHOOL_EVE = Cutoff(1, 11, 0, Counting.SCHOOL_DAYS)
TOUSSAINT = {number("2025-10-19") + offset: "Toussaint" for offset in range(15)}  # ]18 October, 3 November[


def limit(cutoff: Cutoff, day: str, zone: ZoneInfo = PARIS, calendar: SchoolCalendar | None = None) -> str:
    instant = cutoff_at(cutoff, number(day), zone, calendar or SchoolCalendar())
    return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-09-08", "2025-09-04 12:00"),
        ("2025-09-09", "2025-09-05 12:00"),
        ("2025-09-11", "2025-09-09 12:00"),
        ("2025-09-12", "2025-09-10 12:00"),
    ],
)
def test_two_days_before_at_noon_skipping_week_ends(day: str, expected: str) -> None:
    assert limit(TWO_DAYS_AT_NOON, day) == expected


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-09-15", "2025-09-10 18:00"),  # Monday from Wednesday
        ("2025-09-16", "2025-09-11 18:00"),  # Tuesday from Thursday
        ("2025-09-17", "2025-09-12 18:00"),  # Wednesday from Friday
        ("2025-09-18", "2025-09-15 18:00"),  # Thursday from Monday
        ("2025-09-19", "2025-09-16 18:00"),  # Friday from Tuesday
    ],
)
def test_three_working_days_before(day: str, expected: str) -> None:
    assert limit(THREE_WORKING_DAYS, day) == expected


def test_working_days_leave_public_holidays_out_and_week_end_counting_does_not() -> None:
    calendar = SchoolCalendar(public_holidays={number("2025-11-11"): "Armistice"})

    assert limit(THREE_WORKING_DAYS, "2025-11-13", calendar=calendar) == "2025-11-07 18:00"
    assert limit(TWO_DAYS_AT_NOON, "2025-11-13", calendar=calendar) == "2025-11-11 12:00"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        ("2025-09-08", "2025-09-05 11:00"),  # Monday from Friday
        ("2025-09-09", "2025-09-08 11:00"),  # Tuesday from Monday
        ("2025-09-11", "2025-09-09 11:00"),  # Thursday from Tuesday
        ("2025-09-12", "2025-09-11 11:00"),  # Friday from Thursday
        ("2025-11-03", "2025-10-17 11:00"),  # back to school from the last day of class
    ],
)
def test_the_eve_over_days_of_class(day: str, expected: str) -> None:
    assert limit(SCHOOL_EVE, day, calendar=SchoolCalendar(holidays=TOUSSAINT)) == expected


def test_a_limit_is_told_by_the_town_s_own_clock() -> None:
    cutoff = Cutoff(0, 7, 0)

    assert cutoff_at(cutoff, number("2025-09-08"), MARTINIQUE, SchoolCalendar()) == datetime(2025, 9, 8, 11, tzinfo=UTC)
    assert cutoff_at(cutoff, number("2025-09-08"), PARIS, SchoolCalendar()) == datetime(2025, 9, 8, 5, tzinfo=UTC)


def test_noon_stays_noon_on_both_sides_of_a_change_of_clocks() -> None:
    eve = Cutoff(1, 12, 0)

    assert limit(eve, "2026-03-29") == "2026-03-28 12:00"
    assert limit(eve, "2026-03-30") == "2026-03-29 12:00"
    summer = cutoff_at(eve, number("2025-10-26"), PARIS, SchoolCalendar())
    winter = cutoff_at(eve, number("2025-10-27"), PARIS, SchoolCalendar())
    assert winter - summer == timedelta(hours=25)


def test_an_hour_the_clock_skips_or_repeats_is_still_one_instant() -> None:
    at_half_past_two = Cutoff(0, 2, 30)

    skipped = cutoff_at(at_half_past_two, number("2026-03-29"), PARIS, SchoolCalendar())
    repeated = cutoff_at(at_half_past_two, number("2025-10-26"), PARIS, SchoolCalendar())

    assert skipped == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert repeated == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(("days", "hour", "minute"), [(-1, 0, 0), (61, 0, 0), (1, 24, 0), (1, 0, 60), (1, -1, 0)])
def test_a_limit_that_no_clock_shows_is_refused(days: int, hour: int, minute: int) -> None:
    with pytest.raises(InvalidError) as refusal:
        Cutoff(days, hour, minute)
    assert refusal.value.reason == "INVALID_CUTOFF"


DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31)).map(day_number)
CUTOFFS = st.builds(Cutoff, st.integers(0, 30), st.integers(0, 23), st.integers(0, 59), st.sampled_from(Counting))


@given(CUTOFFS, DAYS, st.sampled_from([PARIS, MARTINIQUE]))
def test_a_limit_never_comes_after_its_day_and_a_later_day_never_has_an_earlier_limit(
    cutoff: Cutoff, day: int, zone: ZoneInfo
) -> None:
    calendar = SchoolCalendar(holidays=TOUSSAINT)

    here = cutoff_at(cutoff, day, zone, calendar)

    assert day_number(here.astimezone(zone).date()) <= day
    assert here <= cutoff_at(cutoff, day + 1, zone, calendar)


@given(DAYS, st.integers(0, 20), st.sampled_from(list(Counting)[1:]))
def test_skipping_days_never_makes_a_limit_later(day: int, before: int, counting: Counting) -> None:
    calendar = SchoolCalendar(holidays=TOUSSAINT)

    skipping = cutoff_at(Cutoff(before, 12, 0, counting), day, PARIS, calendar)

    assert skipping <= cutoff_at(Cutoff(before, 12, 0), day, PARIS, calendar)
