"""What each answer of a provider does to an attempt."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from payment_gateway_svc.domain.attempt import LookUp, Outcome, expired_unasked, looked_up, redirected, unreachable
from payment_gateway_svc.domain.events import PaymentFailed, PaymentMismatched, PaymentSucceeded
from payment_gateway_svc.domain.states import PaymentState
from preau_kernel.money import Money

from tests.unit.payment.fakes import FACTS, NOW, make_answer, make_attempt


def test_a_paid_answer_settles_with_the_providers_instant_and_tells_it() -> None:
    attempt = make_attempt()

    applied = looked_up(attempt, make_answer(), NOW + timedelta(minutes=5))

    assert applied.attempt.state is PaymentState.PAID
    assert applied.attempt.settled_at == NOW + timedelta(minutes=2)
    assert applied.events == (
        PaymentSucceeded(
            attempt.id,
            "invoice-1",
            Money(5400),
            settled_at=NOW + timedelta(minutes=2),
            provider="payfip",
            provider_ref="op-1",
            is_test=True,
            known_at=NOW + timedelta(minutes=5),
        ),
    )


def test_a_payment_outside_test_mode_is_not_flagged_as_test() -> None:
    attempt = make_attempt(facts=FACTS | {"saisie": "W"})

    (event,) = looked_up(attempt, make_answer(saisie="W"), NOW).events

    assert isinstance(event, PaymentSucceeded)
    assert not event.is_test


def test_the_same_paid_answer_twice_tells_nothing_the_second_time() -> None:
    once = looked_up(make_attempt(), make_answer(), NOW)

    again = looked_up(once.attempt, make_answer(), NOW)

    assert again.events == ()
    assert again.attempt.state is PaymentState.PAID


@pytest.mark.parametrize(
    ("outcome", "state"), [(Outcome.DENIED, PaymentState.DENIED), (Outcome.CANCELLED, PaymentState.CANCELLED)]
)
def test_a_refusal_or_an_abandon_ends_the_attempt_and_names_the_outcome(outcome: Outcome, state: PaymentState) -> None:
    applied = looked_up(make_attempt(), make_answer(outcome), NOW)

    assert applied.attempt.state is state
    (event,) = applied.events
    assert isinstance(event, PaymentFailed)
    assert event.outcome == state.name


@given(st.sets(st.sampled_from(sorted(FACTS)), min_size=1), st.sampled_from(list(Outcome)))
def test_an_answer_about_something_else_never_settles_whatever_it_says(fields: Any, outcome: Outcome) -> None:
    if outcome in {Outcome.WAITING, Outcome.STALE, Outcome.GONE}:
        return
    answer = LookUp(outcome, FACTS | dict.fromkeys(fields, "999"), Money(999))

    applied = looked_up(make_attempt(), answer, NOW)

    assert applied.attempt.state is PaymentState.PENDING
    assert applied.attempt.mismatched_fields == tuple(sorted(fields))
    (event,) = applied.events
    assert isinstance(event, PaymentMismatched)
    assert (event.expected, event.actual) == (Money(5400), Money(999))


def test_the_same_difference_is_told_once_not_at_every_poll() -> None:
    once = looked_up(make_attempt(), make_answer(montant="5500"), NOW)

    again = looked_up(once.attempt, make_answer(montant="5500"), NOW)

    assert again.events == ()
    assert again.attempt.state is PaymentState.PENDING


def test_a_right_answer_after_a_wrong_one_settles_and_leaves_the_alert_visible() -> None:
    once = looked_up(make_attempt(), make_answer(montant="5500"), NOW)

    applied = looked_up(once.attempt, make_answer(), NOW)

    assert applied.attempt.state is PaymentState.PAID
    assert applied.attempt.mismatched_fields == ("montant",)


def test_an_answer_without_the_fields_is_a_difference_not_a_payment() -> None:
    applied = looked_up(make_attempt(), LookUp(Outcome.PAID), NOW)

    assert applied.attempt.state is PaymentState.PENDING


@pytest.mark.parametrize(
    ("minutes", "state"), [(0, PaymentState.PENDING), (119, PaymentState.PENDING), (120, PaymentState.EXPIRED)]
)
def test_not_known_yet_is_final_only_after_two_hours(minutes: int, state: PaymentState) -> None:
    applied = looked_up(make_attempt(), LookUp(Outcome.WAITING), NOW + timedelta(minutes=minutes))

    assert applied.attempt.state is state


def test_not_known_for_two_hours_is_still_asked_about_but_what_is_forgotten_is_not() -> None:
    waited = looked_up(make_attempt(), LookUp(Outcome.WAITING), NOW + timedelta(hours=3)).attempt
    gone = looked_up(make_attempt(), LookUp(Outcome.GONE), NOW).attempt

    assert (waited.state, gone.state) == (PaymentState.EXPIRED, PaymentState.EXPIRED)
    assert not waited.is_forgotten
    assert gone.is_forgotten


def test_money_notified_after_the_provider_had_forgotten_the_operation_still_wins() -> None:
    gone = looked_up(make_attempt(), LookUp(Outcome.GONE), NOW).attempt
    assert gone.needs_look_up

    applied = looked_up(gone, make_answer(), NOW)

    assert (applied.attempt.state, applied.attempt.is_forgotten) == (PaymentState.PAID, False)


def test_a_late_payment_wins_over_an_expired_attempt() -> None:
    expired = looked_up(make_attempt(), LookUp(Outcome.WAITING), NOW + timedelta(hours=3)).attempt

    applied = looked_up(expired, make_answer(), NOW + timedelta(hours=4))

    assert applied.attempt.state is PaymentState.PAID
    assert len(applied.events) == 1


def test_an_unknown_result_waits_for_ever_rather_than_end() -> None:
    applied = looked_up(make_attempt(), make_answer(Outcome.UNKNOWN), NOW + timedelta(days=2))

    assert applied.attempt.state is PaymentState.PENDING
    assert applied.events == ()


@pytest.mark.parametrize("state", [PaymentState.DENIED, PaymentState.CANCELLED, PaymentState.EXPIRED])
def test_an_unknown_result_of_what_was_given_up_opens_it_again_for_somebody_to_look(state: PaymentState) -> None:
    applied = looked_up(make_attempt(state=state), make_answer(Outcome.UNKNOWN), NOW + timedelta(hours=3))

    assert applied.attempt.state is PaymentState.PENDING
    assert applied.events == ()


@pytest.mark.parametrize("state", [PaymentState.DENIED, PaymentState.CANCELLED, PaymentState.EXPIRED])
def test_not_known_yet_changes_nothing_of_what_was_given_up(state: PaymentState) -> None:
    applied = looked_up(make_attempt(state=state), LookUp(Outcome.WAITING), NOW + timedelta(minutes=5))

    assert applied.attempt.state is state
    assert applied.events == ()


def test_an_answer_clears_the_mark_of_an_unreachable_provider() -> None:
    marked = unreachable(make_attempt(), NOW)
    assert marked.is_unreachable

    applied = looked_up(marked, LookUp(Outcome.WAITING), NOW + timedelta(minutes=5))

    assert not applied.attempt.is_unreachable
    assert applied.attempt.checked_at == NOW + timedelta(minutes=5)


def test_a_look_up_that_fails_after_another_saw_the_money_does_not_call_the_payment_uncertain() -> None:
    paid = looked_up(make_attempt(), make_answer(), NOW).attempt

    assert unreachable(paid, NOW + timedelta(minutes=5)) == paid


@pytest.mark.parametrize(("minutes", "state"), [(29, PaymentState.CREATED), (30, PaymentState.EXPIRED)])
def test_an_attempt_the_provider_never_heard_of_ends_after_half_an_hour(minutes: int, state: PaymentState) -> None:
    attempt = make_attempt(provider_ref="", state=PaymentState.CREATED, facts={})

    assert expired_unasked(attempt, NOW + timedelta(minutes=minutes)).attempt.state is state


def test_a_second_operation_never_replaces_the_first() -> None:
    from payment_gateway_svc.domain.attempt import Redirection

    attempt = make_attempt()

    assert redirected(attempt, Redirection("op-2", "http://pay/op-2", NOW, {})) == attempt


@pytest.mark.parametrize(("caller", "is_allowed"), [("h1", True), ("h2", False), ("", True)])
def test_an_attempt_is_shown_to_its_household_and_to_services(caller: str, *, is_allowed: bool) -> None:
    assert make_attempt().belongs_to(caller) is is_allowed
