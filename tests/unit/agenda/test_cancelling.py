"""Deciding what a wish to cancel takes away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from agenda_svc.domain.cancelling import plan_bulk_cancelling, plan_cancelling, rows_to_undo
from agenda_svc.domain.coupling import coupled
from agenda_svc.domain.cutoffs import Cutoff
from agenda_svc.domain.offer import Row
from agenda_svc.domain.refusals import Reason
from agenda_svc.domain.states import Status
from agenda_svc.domain.views import view_rows

from tests.unit.agenda.town import (
    CHILD,
    EVENING,
    MATIN,
    MEAL,
    MIDDAY,
    NOW,
    make_activity,
    make_offer,
    make_row,
    make_rules,
    make_wish,
    number,
    told,
)

MONDAY = number("2025-09-01")


def whole_day(status: Status = Status.HELD) -> list[Row]:
    return [make_row("2025-09-01", key, status) for key in (MATIN, MEAL, MIDDAY, EVENING)]


def test_deleting_one_of_the_pair_deletes_both_and_leaves_the_rest() -> None:
    rules = make_rules()
    present = {MATIN, MEAL, MIDDAY, EVENING}

    assert coupled(rules, [MEAL], present) == {MEAL, MIDDAY}
    assert coupled(rules, [MIDDAY], present) == {MEAL, MIDDAY}
    assert coupled(rules, [MATIN], present) == {MATIN}
    assert coupled(rules, [MIDDAY], {MIDDAY, MATIN}) == {MIDDAY}


def test_what_two_activities_require_stays_while_one_of_them_does() -> None:
    rules = make_rules([make_activity(1), make_activity(2, requires=(1,)), make_activity(3, requires=(1,))])

    assert coupled(rules, [2], {1, 2, 3}) == {2}
    assert coupled(rules, [2, 3], {1, 2, 3}) == {1, 2, 3}
    assert coupled(rules, [1], {1, 2, 3}) == {1, 2, 3}


def test_rows_of_a_pair_carry_no_cross_of_their_own() -> None:
    rules = make_rules()
    rows = whole_day()

    views = view_rows(rules, rows, rows, NOW)

    assert [view.can_cancel_alone for view in views] == [True, False, False, True]
    assert all(view.can_cancel for view in views)


def test_what_is_not_paid_can_be_given_back_even_after_the_limit() -> None:
    rules = make_rules([make_activity(1, cancellation_cutoff=Cutoff(7, 0, 0))])
    late = datetime(2025, 8, 30, tzinfo=UTC)
    held = make_row("2025-09-01", 1, hold_expires_at=late + timedelta(hours=1))
    confirmed = make_row("2025-09-01", 1, Status.CONFIRMED)

    assert plan_cancelling(rules, [held], [held], late).removed == [held]
    refused = plan_cancelling(rules, [confirmed], [confirmed], late)
    assert refused.removed == []
    limit = datetime(2025, 8, 25, 4, tzinfo=UTC)
    assert [(refusal.reason, refusal.cutoff_at) for _, refusal in refused.skipped] == [
        (Reason.CANCELLATION_CUTOFF_PASSED, limit)
    ]
    assert plan_cancelling(rules, [confirmed], [confirmed], limit - timedelta(seconds=1)).removed == [confirmed]


def test_a_pair_goes_together_or_stays_together() -> None:
    activities = [make_activity(MEAL, requires=(MIDDAY,), cancellation_cutoff=Cutoff(30, 0, 0)), make_activity(MIDDAY)]
    rules = make_rules(activities)
    rows = [make_row("2025-09-01", key, Status.CONFIRMED) for key in (MEAL, MIDDAY)]

    plan = plan_cancelling(rules, [rows[1]], rows, NOW)

    assert plan.removed == []
    assert [(slot, refusal.reason) for slot, refusal in plan.skipped] == [
        (rows[1].slot, Reason.CANCELLATION_CUTOFF_PASSED)
    ]
    assert [view.can_cancel for view in view_rows(rules, rows, rows, NOW)] == [False, False]


def test_one_refusal_of_a_day_does_not_keep_what_is_free_to_go() -> None:
    activities = [make_activity(1, cancellation_cutoff=Cutoff(30, 0, 0)), make_activity(2)]
    rules = make_rules(activities)
    rows = [make_row("2025-09-01", key, Status.CONFIRMED) for key in (1, 2)]
    offer = make_offer(rules, [MONDAY], live=rows)

    plan = plan_bulk_cancelling(rules, offer, make_wish(rules, [MONDAY]), NOW)

    assert plan.removed == [rows[1]]
    assert [slot for slot, _ in plan.skipped] == [rows[0].slot]


def test_a_day_gone_by_cannot_be_cancelled() -> None:
    rules = make_rules()
    row = make_row("2025-08-18", MATIN, Status.CONFIRMED)

    plan = plan_cancelling(rules, [row], [row], NOW)

    assert [refusal.reason for _, refusal in plan.skipped] == [Reason.DAY_PAST]


def test_what_is_cancelled_expired_or_lapsed_is_not_reserved_any_more() -> None:
    rules = make_rules()
    rows = [
        make_row("2025-09-01", MATIN, Status.CANCELLED),
        make_row("2025-09-01", EVENING, Status.EXPIRED),
        make_row("2025-09-01", MEAL, hold_expires_at=NOW),
    ]

    plan = plan_cancelling(rules, rows, rows, NOW)

    assert plan.removed == []
    assert {refusal.reason for _, refusal in plan.skipped} == {Reason.NOT_RESERVED}


def test_bulk_deletion_speaks_only_of_what_is_there_unless_days_are_named() -> None:
    rules = make_rules()
    offer = make_offer(rules, [MONDAY], live=[make_row("2025-09-01", MATIN)])
    days = [MONDAY, MONDAY + 1, MONDAY + 2]

    silent = plan_bulk_cancelling(rules, offer, make_wish(rules, days, MATIN), NOW)
    named = plan_bulk_cancelling(rules, offer, make_wish(rules, days, MATIN, named=True), NOW)

    assert len(silent.removed) == len(named.removed) == 1
    assert silent.skipped == []
    places = told(slot for slot, _ in named.skipped)
    told_reasons = [refusal.reason.value for _, refusal in named.skipped]
    assert list(zip(places, told_reasons, strict=True)) == [
        (("2025-09-02", MATIN), "NOT_RESERVED"),
        (("2025-09-03", MATIN), "NOT_THAT_WEEKDAY"),
    ]


def test_another_household_s_rows_are_left_alone() -> None:
    rules = make_rules()
    foreign = make_row("2025-09-01", MATIN, is_own=False, child=CHILD)
    offer = make_offer(rules, [MONDAY], live=[foreign])

    plan = plan_bulk_cancelling(rules, offer, make_wish(rules, [MONDAY]), NOW)

    assert plan.removed == []


def test_two_that_share_what_they_require_do_not_leave_it_behind() -> None:
    shared = make_activity(1, cancellation_cutoff=Cutoff(7, 0, 0))
    rules = make_rules([shared, make_activity(2, requires=(1,)), make_activity(3, requires=(1,))])
    late = datetime(2025, 8, 30, tzinfo=UTC)
    rows = [make_row("2025-09-01", key, Status.CONFIRMED) for key in (1, 2, 3)]

    plan = plan_cancelling(rules, rows[1:], rows, late)

    assert plan.removed == [rows[1]]
    assert [(slot, refusal.reason) for slot, refusal in plan.skipped] == [
        (rows[2].slot, Reason.CANCELLATION_CUTOFF_PASSED)
    ]


def test_a_hold_that_has_ended_is_in_nobody_s_way_before_it_is_swept() -> None:
    rules = make_rules()
    midday = make_row("2025-09-01", MIDDAY, Status.CONFIRMED)
    meal = make_row("2025-09-01", MEAL, hold_expires_at=NOW)

    plan = plan_cancelling(rules, [midday], [midday, meal], NOW)
    (view,) = view_rows(rules, [midday], [midday, meal], NOW)

    assert (plan.removed, plan.skipped) == ([midday], [])
    assert view.can_cancel_alone


def test_taking_an_entry_back_leaves_what_it_found_booked() -> None:
    rules = make_rules()
    midday = make_row("2025-09-01", MIDDAY, Status.CONFIRMED)
    meal = make_row("2025-09-01", MEAL)

    assert rows_to_undo(rules, [meal], [midday, meal], NOW) == [meal]
    assert rows_to_undo(rules, [midday], [midday, meal], NOW) == [meal, midday]
