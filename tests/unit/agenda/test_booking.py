"""Deciding what a wish to book creates."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from agenda_svc.domain.activity import Activity
from agenda_svc.domain.booking import BookingPlan, plan_booking
from agenda_svc.domain.calendar import Closure, SchoolCalendar
from agenda_svc.domain.cutoffs import Counting, Cutoff
from agenda_svc.domain.days import session_key
from agenda_svc.domain.offer import free_keys, refusal_of
from agenda_svc.domain.periodicity import Periodicity, days_of_entry
from agenda_svc.domain.refusals import Reason

from tests.unit.agenda.town import (
    CHILD,
    EVENING,
    MATIN,
    MEAL,
    MIDDAY,
    NOW,
    iso,
    make_activity,
    make_offer,
    make_row,
    make_rules,
    make_wish,
    number,
    school_day,
    told,
)

MONDAY = number("2025-09-01")
SEPTEMBER = days_of_entry(MONDAY, number("2025-09-30"), Periodicity.NONE, ())


def reasons(plan: BookingPlan) -> list[tuple[str, int, str]]:
    days = told(slot for slot, _ in plan.skipped)
    return [(*place, refusal.reason.value) for place, (_, refusal) in zip(days, plan.skipped, strict=True)]


def test_the_document_s_month_is_seventy_two_rows_in_order_and_nothing_skipped() -> None:
    rules = make_rules()

    plan = plan_booking(rules, make_offer(rules, SEPTEMBER), make_wish(rules, SEPTEMBER), NOW)

    assert len(plan.created) == 72
    assert plan.skipped == []
    assert told(plan.created)[:6] == [
        ("2025-09-01", MATIN),
        ("2025-09-01", MEAL),
        ("2025-09-01", MIDDAY),
        ("2025-09-01", EVENING),
        ("2025-09-02", MATIN),
        ("2025-09-02", MEAL),
    ]


def test_days_nobody_named_are_passed_over_in_silence_and_named_ones_are_told() -> None:
    rules = make_rules()
    week = range(MONDAY, MONDAY + 7)
    offer = make_offer(rules, week)

    silent = plan_booking(rules, offer, make_wish(rules, week, MATIN), NOW)
    named = plan_booking(rules, offer, make_wish(rules, [MONDAY + 2], MATIN, named=True), NOW)

    assert (len(silent.created), silent.skipped) == (4, [])
    assert reasons(named) == [("2025-09-03", MATIN, "NOT_THAT_WEEKDAY")]


def test_a_closed_day_is_told_with_its_motive_and_a_site_s_closure_closes_that_site_only() -> None:
    activities = [make_activity(1, site_key=1), make_activity(2, site_key=2)]
    rules = make_rules(activities, closures=[Closure(MONDAY, MONDAY, "Travaux", site_key=1)])

    plan = plan_booking(rules, make_offer(rules, [MONDAY]), make_wish(rules, [MONDAY]), NOW)

    assert told(plan.created) == [("2025-09-01", 2)]
    assert [(refusal.reason, refusal.label) for _, refusal in plan.skipped] == [(Reason.SITE_CLOSED, "Travaux")]


def test_holidays_close_what_does_not_run_in_holidays_and_public_holidays_close_all() -> None:
    activities = [make_activity(1), make_activity(2, is_open_in_holidays=True)]
    tuesday = MONDAY + 1
    calendar = SchoolCalendar(holidays={MONDAY: "Toussaint"}, public_holidays={tuesday: "Armistice"})
    rules = make_rules(activities, calendar)

    plan = plan_booking(rules, make_offer(rules, [MONDAY, tuesday]), make_wish(rules, [MONDAY, tuesday]), NOW)

    assert told(plan.created) == [("2025-09-01", 2)]
    assert [refusal.label for _, refusal in plan.skipped] == ["Toussaint", "Armistice", "Armistice"]


def test_the_reasons_of_one_row_come_in_a_fixed_order() -> None:
    cutoff = Cutoff(1, 12, 0)
    activities = [make_activity(1, booking_cutoff=cutoff)]
    rules = make_rules(activities)
    key = session_key(MONDAY, 1)
    late = datetime(2025, 9, 1, 12, tzinfo=UTC)

    def reason(**changes: object) -> str:
        offer = make_offer(rules, [MONDAY], places={key: 0})
        for name, value in changes.items():
            setattr(offer, name, value)
        return reasons(plan_booking(rules, offer, make_wish(rules, [MONDAY]), late))[0][2]

    row = make_row("2025-09-01", 1)
    assert reason(live={row.slot: row}) == "ALREADY_RESERVED"
    assert reason(enrolments={}) == "NOT_ENROLLED"
    assert reason(places={}) == "NOT_OPEN_YET"
    assert reason() == "BOOKING_CUTOFF_PASSED"
    fresh = plan_booking(rules, make_offer(rules, [MONDAY], places={key: 0}), make_wish(rules, [MONDAY]), NOW)
    assert reasons(fresh)[0][2] == "SESSION_FULL"


def test_it_is_too_late_from_the_very_instant_of_the_limit() -> None:
    rules = make_rules([make_activity(1, booking_cutoff=Cutoff(2, 12, 0, Counting.SKIP_WEEKENDS))])
    monday = number("2025-09-08")
    limit = datetime(2025, 9, 4, 16, 0, tzinfo=UTC)  # Thursday noon in Martinique
    wish = make_wish(rules, [monday])

    before = plan_booking(rules, make_offer(rules, [monday]), wish, limit - timedelta(seconds=1))
    at_limit = plan_booking(rules, make_offer(rules, [monday]), wish, limit)

    assert len(before.created) == 1
    assert [(refusal.reason, refusal.cutoff_at) for _, refusal in at_limit.skipped] == [
        (Reason.BOOKING_CUTOFF_PASSED, limit)
    ]


def test_a_day_ends_at_the_town_s_own_midnight() -> None:
    rules = make_rules([make_activity(1)])
    wish = make_wish(rules, [MONDAY])
    last_minute = datetime(2025, 9, 2, 3, 59, tzinfo=UTC)  # 23:59 in Martinique, the next day in Paris

    assert len(plan_booking(rules, make_offer(rules, [MONDAY]), wish, last_minute).created) == 1
    past = plan_booking(rules, make_offer(rules, [MONDAY]), wish, last_minute + timedelta(minutes=1))
    assert reasons(past) == [("2025-09-01", 1, "DAY_PAST")]


def test_the_meal_alone_is_refused_and_what_it_lacks_is_offered_once() -> None:
    rules = make_rules()

    plan = plan_booking(rules, make_offer(rules, SEPTEMBER), make_wish(rules, SEPTEMBER, MEAL), NOW)

    assert plan.created == []
    assert {refusal.reason for _, refusal in plan.skipped} == {Reason.REQUIRES_ACTIVITY}
    assert plan.missing_required == [f"activity-{MIDDAY}"]


def test_the_meal_alone_is_accepted_where_midday_is_booked_already() -> None:
    rules = make_rules()
    midday = make_row("2025-09-01", MIDDAY)
    offer = make_offer(rules, [MONDAY, MONDAY + 1], live=[midday])

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY, MONDAY + 1], MEAL), NOW)

    assert told(plan.created) == [("2025-09-01", MEAL)]
    assert plan.missing_required == [f"activity-{MIDDAY}"]


def test_when_midday_is_full_the_meal_is_skipped_with_it() -> None:
    rules = make_rules()
    offer = make_offer(rules, [MONDAY], places={session_key(MONDAY, MIDDAY): 0})

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY]), NOW)

    assert told(plan.created) == [("2025-09-01", MATIN), ("2025-09-01", EVENING)]
    assert reasons(plan) == [
        ("2025-09-01", MEAL, "REQUIRES_ACTIVITY"),
        ("2025-09-01", MIDDAY, "SESSION_FULL"),
    ]
    assert plan.missing_required == []


def test_midday_that_was_chosen_stays_when_the_meal_is_full() -> None:
    rules = make_rules()
    offer = make_offer(rules, [MONDAY], places={session_key(MONDAY, MEAL): 0})

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY], MEAL, MIDDAY), NOW)

    assert told(plan.created) == [("2025-09-01", MIDDAY)]


def bringing() -> list[Activity]:
    matin, meal, midday, evening = school_day()
    return [matin, replace(meal, brings=(MIDDAY,)), midday, evening]


def test_an_activity_brings_along_what_it_brings() -> None:
    rules = make_rules(bringing())

    plan = plan_booking(rules, make_offer(rules, [MONDAY]), make_wish(rules, [MONDAY], MEAL), NOW)

    assert told(plan.created) == [("2025-09-01", MEAL), ("2025-09-01", MIDDAY)]


def test_what_was_only_brought_along_goes_when_its_bringer_cannot_be() -> None:
    rules = make_rules(bringing())
    offer = make_offer(rules, [MONDAY], places={session_key(MONDAY, MEAL): 0})

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY], MEAL), NOW)

    assert plan.created == []
    assert reasons(plan) == [("2025-09-01", MEAL, "SESSION_FULL")]


def test_activities_that_exclude_each_other_never_meet_and_the_first_in_order_wins() -> None:
    rules = make_rules([make_activity(1, excludes=(2,)), make_activity(2, excludes=(1,))])

    together = plan_booking(rules, make_offer(rules, [MONDAY]), make_wish(rules, [MONDAY]), NOW)
    booked = make_offer(rules, [MONDAY], live=[make_row("2025-09-01", 2)])
    after = plan_booking(rules, booked, make_wish(rules, [MONDAY], 1), NOW)

    assert told(together.created) == [("2025-09-01", 1)]
    assert reasons(together) == [("2025-09-01", 2, "EXCLUDES_ACTIVITY")]
    assert after.skipped[0][1].related_activity_id == "activity-2"


def test_what_cannot_be_itself_excludes_nothing() -> None:
    activities = [make_activity(1, requires=(3,), excludes=(2,)), make_activity(2, excludes=(1,)), make_activity(3)]
    rules = make_rules(activities)
    offer = make_offer(rules, [MONDAY], places={session_key(MONDAY, 3): 0})

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY]), NOW)

    assert told(plan.created) == [("2025-09-01", 2)]
    assert reasons(plan) == [("2025-09-01", 1, "REQUIRES_ACTIVITY"), ("2025-09-01", 3, "SESSION_FULL")]


def test_nothing_is_told_of_what_no_bringer_would_bring_that_day() -> None:
    wednesday = MONDAY + 2
    rules = make_rules([make_activity(1, brings=(2,)), make_activity(2, weekdays=frozenset({1, 3}))])
    offer = make_offer(rules, [wednesday], places={session_key(wednesday, 2): 0})

    plan = plan_booking(rules, offer, make_wish(rules, [wednesday], 1), NOW)

    assert (plan.created, plan.skipped) == ([], [])


def test_what_is_brought_along_anyway_is_not_offered_as_missing() -> None:
    rules = make_rules([make_activity(1, requires=(2,), brings=(2,)), make_activity(2)])
    offer = make_offer(rules, [MONDAY], places={session_key(MONDAY, 2): 0})

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY], 1), NOW)

    assert reasons(plan) == [("2025-09-01", 1, "REQUIRES_ACTIVITY"), ("2025-09-01", 2, "SESSION_FULL")]
    assert plan.missing_required == []


def test_the_last_place_goes_to_the_first_child() -> None:
    rules = make_rules([make_activity(1)])
    children = (CHILD, CHILD + 1)
    offer = make_offer(rules, [MONDAY], capacity=1, children=children)

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY], children=children), NOW)

    assert [child for child, _ in plan.created] == [CHILD]
    assert [(slot[0], refusal.reason) for slot, refusal in plan.skipped] == [(CHILD + 1, Reason.SESSION_FULL)]


def test_a_place_refused_by_a_coupling_is_left_to_the_next_child() -> None:
    rules = make_rules()
    children = (CHILD, CHILD + 1)
    offer = make_offer(
        rules, [MONDAY], children=children, places={session_key(MONDAY, MEAL): 1}, live=[make_row("2025-09-01", MATIN)]
    )
    offer.enrolments = {
        (child, key): ((0, 40_000),) for child in children for key in (MEAL, MIDDAY) if (child, key) != (CHILD, MIDDAY)
    }

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY], MEAL, MIDDAY, children=children), NOW)

    assert [child for child, _ in plan.created] == [CHILD + 1, CHILD + 1]


def test_an_enrolment_counts_on_its_own_days_only() -> None:
    rules = make_rules([make_activity(1)])
    offer = make_offer(rules, [MONDAY, MONDAY + 1])
    offer.enrolments = {(CHILD, 1): ((MONDAY + 1, MONDAY + 30),)}

    plan = plan_booking(rules, offer, make_wish(rules, [MONDAY, MONDAY + 1]), NOW)

    assert told(plan.created) == [(iso(MONDAY + 1), 1)]


@pytest.mark.parametrize("rows", [72])
def test_a_month_is_decided_in_well_under_a_millisecond(rows: int) -> None:
    from time import perf_counter

    rules = make_rules()
    wish = make_wish(rules, SEPTEMBER)
    fastest = 1.0
    for _ in range(30):
        offer = make_offer(rules, SEPTEMBER)
        started = perf_counter()
        plan = plan_booking(rules, offer, wish, NOW)
        fastest = min(fastest, perf_counter() - started)
        assert len(plan.created) == rows

    assert fastest < 0.001


def test_what_is_told_free_at_once_is_what_nothing_refuses() -> None:
    limited = Cutoff(2, 12, 0)
    rules = make_rules(
        [
            make_activity(MATIN, booking_cutoff=limited),
            make_activity(MEAL, weekdays=frozenset({1, 3})),
            make_activity(EVENING),
        ],
        closures=[Closure(MONDAY + 3, MONDAY + 4, "Grève")],
    )
    days = range(MONDAY, MONDAY + 12)
    offer = make_offer(
        rules,
        days,
        places={session_key(MONDAY + 1, MATIN): 0, session_key(MONDAY + 7, MATIN): 1},
        live=[make_row(iso(MONDAY + 8), EVENING)],
        enrolled=[MATIN, MEAL],
    )
    del offer.places[session_key(MONDAY + 7, MEAL)]
    told_free = 0
    for now in (NOW, datetime(2025, 8, 30, 13, tzinfo=UTC), datetime(2025, 9, 1, 13, tzinfo=UTC)):
        for day in days:
            free = free_keys(rules, offer, CHILD, rules.activities, day, now)
            asked = {
                activity.key: session_key(day, activity.key)
                for activity in rules.activities
                if refusal_of(rules, offer, CHILD, activity, day, now, MONDAY) is None
            }
            assert free == asked
            told_free += len(free)
    assert told_free
