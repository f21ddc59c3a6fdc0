"""Late money and holds that ended."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from agenda_svc.domain.days import session_key
from agenda_svc.domain.lapses import Lapse, plan_restoring, recently_lapsed
from agenda_svc.domain.offer import Row
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.settling import plan_settling
from agenda_svc.domain.states import Status

from tests.unit.agenda.town import MATIN, MEAL, MIDDAY, NOW, make_activity, make_offer, make_row, make_rules, number

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


def excluding() -> TownRules:
    return make_rules([make_activity(1, excludes=(2,)), make_activity(2, excludes=(1,)), make_activity(3)])


def test_what_the_family_booked_instead_keeps_out_what_it_excludes() -> None:
    rules = excluding()
    lapsed, instead = expired(1, id=11), make_row("2025-09-01", 2)
    free: dict[int, int | None] = {session_key(MONDAY, key): 5 for key in (1, 2, 3)}

    paid = plan_settling(rules, [11], {11: lapsed, instead.id: instead}, {instead.slot}, free)
    taken_back = plan_restoring(rules, make_offer(rules, [MONDAY], live=[instead]), [lapsed], NOW)

    assert (paid.rebooked, paid.lost) == ([], [11])
    assert (taken_back.restored, taken_back.lost) == ([], [lapsed])


def test_of_lapsed_holds_that_exclude_each_other_the_first_in_order_comes_back() -> None:
    rules = excluding()
    first, second, other = expired(1, id=1), expired(2, id=2), expired(3, id=3)

    plan = plan_restoring(rules, make_offer(rules, [MONDAY]), [second, first, other], NOW)

    assert plan.restored == [first, other]
    assert plan.lost == [second]


def test_the_last_places_of_a_pair_go_to_one_child_and_not_half_to_each() -> None:
    rules = make_rules()
    ids = {(8, MIDDAY): 11, (7, MEAL): 12, (7, MIDDAY): 13, (8, MEAL): 14}
    lapsed = [expired(key, id=each, child=child) for (child, key), each in ids.items()]
    last = {session_key(MONDAY, MEAL): 1, session_key(MONDAY, MIDDAY): 1}

    paid = plan_settling(rules, list(ids.values()), {row.id: row for row in lapsed}, set(), places(meal=1, midday=1))
    offer = make_offer(rules, [MONDAY], places=last, children=(7, 8))
    taken_back = plan_restoring(rules, offer, lapsed, NOW)

    assert [row.id for row in paid.rebooked] == [12, 13]
    assert sorted(paid.lost) == [11, 14]
    assert [row.id for row in taken_back.restored] == [12, 13]
    assert sorted(row.id for row in taken_back.lost) == [11, 14]
