"""Late money and holds that ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agenda_svc.domain.days import session_key
from agenda_svc.domain.lapses import Lapse, plan_restoring, recently_lapsed
from agenda_svc.domain.offer import Row
from agenda_svc.domain.settling import plan_settling
from agenda_svc.domain.states import Status

from tests.unit.agenda.town import MATIN, MEAL, MIDDAY, NOW, make_offer, make_row, make_rules, number

MONDAY = number("2025-09-01")


def expired(key: int, **fields: Any) -> Row:
    return make_row("2025-09-01", key, Status.EXPIRED, closed_at=NOW - timedelta(hours=1), **fields)


def places(**left: int | None) -> dict[int, int | None]:
    keys = {"matin": MATIN, "meal": MEAL, "midday": MIDDAY}
    return {session_key(MONDAY, keys[name]): value for name, value in left.items()}


def test_paid_holds_are_confirmed_and_lapsed_ones_booked_again_where_free() -> None:
    held = make_row("2025-09-01", MATIN)
    lapsed, gone = expired(MEAL, id=11), expired(MIDDAY, id=12)
    rows = {row.id: row for row in (held, lapsed, gone)}

    plan = plan_settling(make_rules(), list(rows), rows, {held.slot}, places(meal=None, midday=3))

    assert plan.confirmed == [held]
    assert plan.rebooked == [lapsed, gone]
    assert plan.lost == []
    assert plan.ids == sorted([held.id, 11, 12])


def test_a_lapsed_meal_is_lost_with_the_midday_care_it_requires() -> None:
    meal, midday = expired(MEAL, id=11), expired(MIDDAY, id=12)
    rows = {11: meal, 12: midday}

    plan = plan_settling(make_rules(), [11, 12], rows, set(), places(meal=5, midday=0))

    assert plan.rebooked == []
    assert sorted(plan.lost) == [11, 12]


def test_the_last_free_place_is_given_once() -> None:
    first, second = expired(MATIN, id=11), expired(MATIN, id=12, child=8)

    plan = plan_settling(make_rules(), [11, 12], {11: first, 12: second}, set(), places(matin=1))

    assert plan.rebooked == [first]
    assert plan.lost == [12]


def test_what_was_confirmed_before_changes_nothing() -> None:
    row = make_row("2025-09-01", MATIN, Status.CONFIRMED)

    plan = plan_settling(make_rules(), [row.id], {row.id: row}, {row.slot}, {})

    assert (plan.confirmed, plan.rebooked, plan.lost) == ([], [], [])
    assert plan.ids == [row.id]


def test_only_what_lapsed_in_the_last_day_and_was_not_dealt_with_counts() -> None:
    fresh = expired(MATIN, id=1)
    told = expired(MEAL, id=2, lapse=Lapse.TOLD)
    settled = expired(MIDDAY, id=3, lapse=Lapse.SETTLED)
    old = make_row("2025-09-02", MATIN, Status.EXPIRED, closed_at=NOW - timedelta(hours=24), id=4)
    again = make_row("2025-09-04", MATIN, Status.EXPIRED, closed_at=NOW - timedelta(hours=2), id=5)
    newer = make_row("2025-09-04", MATIN, Status.CANCELLED, id=6, created_at=NOW + timedelta(hours=1))
    foreign = make_row("2025-09-05", MATIN, Status.EXPIRED, closed_at=NOW - timedelta(hours=1), id=7, is_own=False)

    found = recently_lapsed([fresh, told, settled, old, again, newer, foreign], NOW)

    assert [row.id for row in found] == [1, 2]


def test_taking_back_is_judged_like_a_new_booking() -> None:
    rules = make_rules()
    meal, midday, matin = expired(MEAL, id=1), expired(MIDDAY, id=2), expired(MATIN, id=3)
    offer = make_offer(rules, [MONDAY], places={session_key(MONDAY, MIDDAY): 0})

    plan = plan_restoring(rules, offer, [meal, midday, matin], NOW)

    assert plan.restored == [matin]
    assert {row.id for row in plan.lost} == {1, 2}
