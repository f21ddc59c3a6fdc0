"""What the pages show of a day, a month and a near future."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agenda_svc.domain.calendar import Closure
from agenda_svc.domain.cutoffs import Cutoff
from agenda_svc.domain.days import session_key
from agenda_svc.domain.refusals import Reason
from agenda_svc.domain.states import Status
from agenda_svc.domain.views import DayState, first_empty_week, month_of, offers_of_day

from tests.unit.agenda.town import (
    CHILD,
    MATIN,
    MEAL,
    MIDDAY,
    NOW,
    make_activity,
    make_offer,
    make_row,
    make_rules,
    number,
)

MONDAY = number("2025-09-01")


def state_of(day: int = MONDAY, *, now: datetime = NOW, **fields: object) -> DayState:
    rules = fields.pop("rules", None) or make_rules([make_activity(1), make_activity(2)])
    offer = make_offer(rules, [day], **fields)  # type: ignore[arg-type]
    return month_of(rules, offer, [CHILD], [day], now)[0].state  # type: ignore[arg-type]


def test_a_day_in_one_word() -> None:
    full = {session_key(MONDAY, key): 0 for key in (1, 2)}
    one_left = {session_key(MONDAY, 1): 0, session_key(MONDAY, 2): 1}
    row = make_row("2025-09-01", 2)

    assert state_of() is DayState.BOOKABLE
    assert state_of(places=one_left) is DayState.BOOKABLE
    assert state_of(places=full) is DayState.FULL
    assert state_of(places=full, live=[row]) is DayState.BOOKED
    assert state_of(live=[make_row("2025-09-01", 1), row]) is DayState.BOOKED
    assert state_of(enrolled=[]) is DayState.NOT_ENROLLED
    assert state_of(MONDAY + 2) is DayState.CLOSED
    assert state_of(now=NOW + timedelta(days=30)) is DayState.TOO_LATE
    late = make_rules([make_activity(1, booking_cutoff=Cutoff(30, 0, 0))])
    assert state_of(rules=late) is DayState.TOO_LATE


def test_a_closed_day_says_why_and_keeps_what_was_booked() -> None:
    rules = make_rules(closures=[Closure(MONDAY, MONDAY, "Cyclone")])
    row = make_row("2025-09-01", MATIN, Status.CONFIRMED)

    empty = month_of(rules, make_offer(rules, [MONDAY]), [CHILD], [MONDAY], NOW)[0]
    booked = month_of(rules, make_offer(rules, [MONDAY], live=[row]), [CHILD], [MONDAY], NOW)[0]

    assert (empty.state, empty.closure_label) == (DayState.CLOSED, "Cyclone")
    assert (booked.state, booked.closure_label, len(booked.rows)) == (DayState.BOOKED, "Cyclone", 1)


def test_a_month_lists_every_day_of_every_child_by_day() -> None:
    rules = make_rules()
    children = (CHILD, CHILD + 1)
    days = range(MONDAY, MONDAY + 30)

    month = month_of(rules, make_offer(rules, days, children=children), children, days, NOW)

    assert [(each.day, each.child_key) for each in month[:3]] == [
        (MONDAY, CHILD),
        (MONDAY, CHILD + 1),
        (MONDAY + 1, CHILD),
    ]
    assert len(month) == 60


def test_a_day_s_offer_gives_each_activity_its_reason_and_what_is_left() -> None:
    rules = make_rules()
    live = make_row("2025-09-01", MATIN)
    offer = make_offer(rules, [MONDAY], places={session_key(MONDAY, MIDDAY): 0}, live=[live])

    offers = offers_of_day(rules, offer, CHILD, MONDAY, NOW)

    assert [(each.refusal.reason if each.refusal else None) for each in offers] == [
        Reason.ALREADY_RESERVED,
        Reason.REQUIRES_ACTIVITY,
        Reason.SESSION_FULL,
        None,
    ]
    assert offers[0].row is not None
    assert offers[0].row.row == live
    assert offers[1].refusal is not None
    assert offers[1].refusal.related_activity_id == f"activity-{MIDDAY}"
    assert offers[2].places_left == 0


def test_the_meal_is_offered_when_its_midday_care_can_be_booked_or_is() -> None:
    rules = make_rules()
    booked = make_offer(rules, [MONDAY], live=[make_row("2025-09-01", MIDDAY)])

    for offer in (make_offer(rules, [MONDAY]), booked):
        meal = offers_of_day(rules, offer, CHILD, MONDAY, NOW)[MEAL - 1]
        assert meal.refusal is None


def test_the_first_empty_week_still_open_is_found_with_its_limit() -> None:
    rules = make_rules([make_activity(1, booking_cutoff=Cutoff(4, 12, 0))])
    now = datetime(2025, 8, 27, 13, tzinfo=UTC)
    days = range(MONDAY - 7, MONDAY + 35)
    offer = make_offer(rules, days, live=[make_row("2025-09-04", 1)])

    week = first_empty_week(rules, offer, [CHILD], MONDAY + 34, now)

    assert week is not None
    assert week.monday == number("2025-09-08")
    assert week.limit == datetime(2025, 9, 4, 16, tzinfo=UTC)
    nothing_open = make_offer(rules, [], places={})
    nothing_open.places = {}
    assert first_empty_week(rules, nothing_open, [CHILD], MONDAY + 34, now) is None
