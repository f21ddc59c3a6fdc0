"""The life of an attempt, over every state and every trigger."""

from __future__ import annotations

import itertools

import pytest
from payment_gateway_svc.domain.states import TRANSITIONS, Emits, PaymentState, Trigger, edge

S, T, E = PaymentState, Trigger, Emits
ASKED = {
    T.PAY: (S.PAID, E.SUCCEEDED),
    T.DENY: (S.DENIED, E.FAILED),
    T.CANCEL: (S.CANCELLED, E.FAILED),
    T.EXPIRE: (S.EXPIRED, E.FAILED),
    T.MISMATCH: (S.PENDING, E.MISMATCHED),
}
LATE = {
    T.PAY: (S.PAID, E.SUCCEEDED),
    T.PUZZLE: (S.PENDING, E.NOTHING),
    T.MISMATCH: (S.PENDING, E.MISMATCHED),
}
EXPECTED = {
    S.CREATED: {T.REDIRECT: (S.REDIRECTED, E.NOTHING), T.EXPIRE: (S.EXPIRED, E.FAILED)},
    S.REDIRECTED: ASKED | dict.fromkeys((T.WAIT, T.PUZZLE), (S.PENDING, E.NOTHING)),
    S.PENDING: ASKED,
    S.PAID: {T.REVERSE: (S.REVERSED, E.NOTHING)},
    S.DENIED: LATE,
    S.CANCELLED: LATE,
    S.EXPIRED: LATE,
    S.REVERSED: {},
}


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(PaymentState, Trigger)))
def test_every_trigger_in_every_state_goes_where_the_table_says_or_nowhere(
    state: PaymentState, trigger: Trigger
) -> None:
    found = edge(state, trigger)

    assert (found and (found.to, found.emits)) == EXPECTED[state].get(trigger)


def test_every_state_is_in_the_table() -> None:
    assert set(TRANSITIONS) == set(PaymentState)


@pytest.mark.parametrize("state", [S.DENIED, S.CANCELLED, S.EXPIRED])
def test_money_that_arrives_after_we_gave_up_still_wins(state: PaymentState) -> None:
    found = edge(state, Trigger.PAY)

    assert found is not None
    assert (found.to, found.emits) == (S.PAID, E.SUCCEEDED)


def test_success_is_told_at_most_once_since_no_road_leads_back_to_an_unpaid_state() -> None:
    reachable, frontier = set(), {S.PAID}
    while frontier:
        reachable |= frontier
        frontier = {edge.to for state in frontier for edge in TRANSITIONS[state].values()} - reachable

    assert reachable == {S.PAID, S.REVERSED}
