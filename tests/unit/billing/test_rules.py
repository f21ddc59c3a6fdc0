"""Tariffs, numbers, the ledger and what money does: the rules one by one."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product

import pytest
from billing_svc.domain import ledger
from billing_svc.domain.errors import RevisionGapError
from billing_svc.domain.numbering import Series, check_till, debt_reference, format_number, year_on
from billing_svc.domain.revisions import Step, next_step
from billing_svc.domain.settlement import Decision, Effect, Receipt, decide_payment
from billing_svc.domain.states import InvoiceState, LineState
from billing_svc.domain.tariffs import MAX_PRICE_MINOR, Tariff, plan_tariff
from billing_svc.domain.withdrawal import Cause, Line, plan_withdrawal, remaining
from hypothesis import given
from hypothesis import strategies as st
from preau_kernel.errors import DomainError, InvalidError

SEPTEMBER = Tariff("old", date(2025, 9, 1), None, 160, 320)


def make_tariff(start: date, end: date | None = None, price: int = 170) -> Tariff:
    return Tariff("new", start, end, price, price * 2)


def test_a_new_tariff_ends_the_open_one_the_day_before() -> None:
    plan = plan_tariff([SEPTEMBER], make_tariff(date(2026, 1, 1)))
    assert plan.id == "new"
    assert plan.insert == make_tariff(date(2026, 1, 1))
    assert [(one.id, one.valid_to) for one in plan.update] == [("old", date(2025, 12, 31))]


def test_the_same_tariff_again_changes_nothing() -> None:
    plan = plan_tariff([SEPTEMBER], Tariff("other", date(2025, 9, 1), None, 160, 320))
    assert (plan.id, plan.insert, plan.update) == ("old", None, ())


def test_a_used_tariff_is_never_rewritten() -> None:
    used = Tariff("old", date(2025, 9, 1), None, 160, 320, is_used=True)
    with pytest.raises(DomainError, match="TARIFF_IN_USE"):
        plan_tariff([used], make_tariff(date(2025, 9, 1)))
    unused = plan_tariff([SEPTEMBER], make_tariff(date(2025, 9, 1)))
    assert [(one.id, one.resident_minor) for one in unused.update] == [("old", 170)]


def test_two_tariffs_on_one_day_are_refused() -> None:
    later = make_tariff(date(2026, 1, 1), date(2026, 6, 30))
    with pytest.raises(DomainError, match="TARIFF_OVERLAP"):
        plan_tariff([later], make_tariff(date(2025, 9, 1)))
    with pytest.raises(DomainError, match="TARIFF_OVERLAP"):
        plan_tariff([later], Tariff("third", date(2026, 3, 1), date(2026, 4, 1), 1, 1))


WINTER = Tariff("winter", date(2026, 1, 1), date(2026, 6, 30), 160, 320)


@pytest.mark.parametrize(("start", "end"), [(date(2025, 9, 1), date(2025, 12, 31)), (date(2026, 7, 1), None)])
def test_a_tariff_up_to_the_eve_of_another_or_from_its_morrow_is_taken(start: date, end: date | None) -> None:
    plan = plan_tariff([WINTER], make_tariff(start, end))
    assert (plan.insert, plan.update) == (make_tariff(start, end), ())


@pytest.mark.parametrize(("start", "end"), [(date(2025, 9, 1), date(2026, 1, 1)), (date(2026, 6, 30), None)])
def test_a_tariff_that_shares_one_day_with_another_is_refused(start: date, end: date | None) -> None:
    with pytest.raises(DomainError, match="TARIFF_OVERLAP"):
        plan_tariff([WINTER], make_tariff(start, end))


@pytest.mark.parametrize("price", [0, MAX_PRICE_MINOR])
def test_a_price_at_the_end_of_what_is_possible_is_taken(price: int) -> None:
    new = Tariff("new", date(2026, 7, 1), None, price, price)
    assert plan_tariff([], new).insert == new


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (make_tariff(date(2025, 9, 2), date(2025, 9, 1)), "valid_to"),
        (make_tariff(date(2025, 9, 1), price=-1), "resident_price"),
        (make_tariff(date(2025, 9, 1), price=2**31), "resident_price"),
        (Tariff("1", date(2025, 9, 1), None, 160, -1), "non_resident_price"),
    ],
)
def test_a_tariff_that_makes_no_sense_is_refused_with_the_field_that_is_wrong(wrong: Tariff, field: str) -> None:
    with pytest.raises(InvalidError, match="TARIFF_INVALID") as refusal:
        plan_tariff([], wrong)
    assert refusal.value.metadata["field"] == field


@given(st.lists(st.tuples(st.integers(0, 400), st.none() | st.integers(0, 60)), max_size=8), st.integers(0, 500))
def test_no_day_ever_has_two_tariffs(asked: list[tuple[int, int | None]], probe: int) -> None:
    tariffs: dict[str, Tariff] = {}
    origin = date(2025, 1, 1).toordinal()
    for rank, (start, length) in enumerate(asked):
        first = date.fromordinal(origin + start)
        last = None if length is None else date.fromordinal(origin + start + length)
        try:
            plan = plan_tariff(list(tariffs.values()), Tariff(str(rank), first, last, rank, rank))
        except DomainError:
            continue
        for tariff in (*plan.update, *([plan.insert] if plan.insert else [])):
            tariffs[tariff.id] = tariff
    day = date.fromordinal(origin + probe)
    on_day = [
        one for one in tariffs.values() if one.valid_from <= day and (one.valid_to is None or day <= one.valid_to)
    ]
    assert len(on_day) <= 1


def test_numbers_read_till_series_year_rank() -> None:
    assert format_number("CP", Series.INVOICE, 2025, 123) == "CP-2025-000123"
    assert format_number("CP", Series.CREDIT_NOTE, 2025, 1) == "CP-AV-2025-000001"
    assert debt_reference("CP-2025-000123", 2) == "CP2025000123A02"


def test_the_year_turns_on_the_towns_clock() -> None:
    instant = datetime(2026, 1, 1, 2, 0, tzinfo=UTC)
    assert year_on(instant, "America/Martinique") == 2025
    assert year_on(instant, "Europe/Paris") == 2026


@pytest.mark.parametrize(("code", "siret"), [("", ""), ("cp", ""), ("ABCDEFGHI", ""), ("C-P", ""), ("CP", "123")])
def test_a_till_that_cannot_be_printed_is_refused(code: str, siret: str) -> None:
    with pytest.raises(DomainError, match="TILL_INVALID"):
        check_till(code, siret)


@pytest.mark.parametrize(("code", "siret"), [("C", ""), ("ABCD1234", ""), ("CP", "21972200500011")])
def test_a_till_that_can_be_printed_is_taken_with_or_without_its_siret(code: str, siret: str) -> None:
    check_till(code, siret)


def test_events_are_applied_in_order_once() -> None:
    assert next_step(4, 5) is Step.APPLY
    assert next_step(4, 4) is Step.SEEN
    with pytest.raises(RevisionGapError):
        next_step(4, 6)


@given(st.integers(1, 10**9), st.sampled_from(sorted(ledger.MEANS_ACCOUNTS)))
def test_every_movement_balances(amount: int, means: str) -> None:
    movements = [
        ledger.invoice_issued(amount),
        ledger.unpaid_invoice_credited(amount),
        ledger.paid_lines_credited(amount),
        ledger.money_allocated(means, amount),
        ledger.money_kept(means, amount),
    ]
    assert all(sum(ledger.balances([movement]).values()) == 0 for movement in movements)


def test_postings_out_of_balance_cannot_be_made() -> None:
    with pytest.raises(ledger.UnbalancedError):
        ledger.Movement("x", (ledger.Posting("cash", 2, 0), ledger.Posting("revenue", 0, 1)))
    with pytest.raises(ledger.UnbalancedError):
        ledger.Posting("cash", 1, 1)
    with pytest.raises(ledger.UnbalancedError):
        ledger.Posting("cash", 0, 0)


def decide(
    status: InvoiceState, amount: int, *, is_test: bool = False, production: bool = False, regain: bool = False
) -> Decision:
    return decide_payment(status, 300, Receipt(amount, is_test), is_production=production, can_regain=regain)


def test_money_is_never_dropped() -> None:
    for status, amount, regain in product(InvoiceState, (1, 300, 301), (True, False)):
        decision = decide(status, amount, regain=regain)
        assert decision.effect in {Effect.SETTLE, Effect.KEEP, Effect.REGAIN}
        assert (decision.effect is Effect.SETTLE) == (status is InvoiceState.ISSUED and amount == 300)
        assert bool(decision.alert) == (decision.effect is not Effect.SETTLE)


def test_what_money_means_depends_on_the_invoice() -> None:
    assert decide(InvoiceState.PAID, 300) == Decision(Effect.KEEP, "DOUBLE_PAYMENT")
    assert decide(InvoiceState.CANCELLED, 300, regain=True) == Decision(Effect.REGAIN, "LATE_PAYMENT")
    assert decide(InvoiceState.CANCELLED, 300) == Decision(Effect.KEEP, "LATE_PAYMENT")
    assert decide(InvoiceState.ISSUED, 299) == Decision(Effect.KEEP, "AMOUNT_MISMATCH")
    assert decide(InvoiceState.ISSUED, 300, is_test=True) == Decision(Effect.SETTLE)
    refused = decide(InvoiceState.ISSUED, 300, is_test=True, production=True)
    assert refused == Decision(Effect.REFUSE, "TEST_PAYMENT_IN_PRODUCTION")


def test_an_expiry_takes_what_is_unpaid_and_leaves_what_is_paid() -> None:
    lines = [
        Line(1, 11, LineState.PENDING, 75),
        Line(2, 12, LineState.INVOICED, 75, "invoice"),
        Line(3, 13, LineState.SETTLED, 75, "paid"),
    ]
    plan = plan_withdrawal(lines, Cause.EXPIRED)
    assert plan.ended == {LineState.LAPSED: [1, 2]}
    assert plan.invoices_to_cancel == ["invoice"]
    assert plan.refunds == {}


def test_a_cancellation_refunds_what_is_paid() -> None:
    paid = Line(3, 13, LineState.SETTLED, 75, "paid")
    plan = plan_withdrawal([paid], Cause.CANCELLED)
    assert (plan.ended, plan.refunds) == ({LineState.CANCELLED: [3]}, {"paid": [paid]})


def test_the_other_lines_of_a_cancelled_invoice_return() -> None:
    lines = [Line(n, 10 + n, LineState.INVOICED, 75, "invoice") for n in (1, 2, 3)]
    assert remaining(lines, [2]) == [1, 3]
