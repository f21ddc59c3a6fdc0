"""What the agenda and the payment gateway tell, and what billing makes of it: in order, once, and of invoices it knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from billing_svc.application.confirm_reservations import Confirmation, confirm_reservations
from billing_svc.application.follow_payments import PaymentSucceeded, fail_payment, flag_mismatch, receive_payment
from billing_svc.application.follow_reservations import (
    hold_reservations,
    hold_together,
    renew_hold,
    withdraw_reservations,
)
from billing_svc.application.issue_invoice import IssueInvoice, issue_invoice
from billing_svc.application.records import AttemptRecord, BasketEntry, BasketLines, ProviderPayment
from billing_svc.domain.events import FamilyAccountCredited, InvoiceCancelled, InvoiceSettled
from billing_svc.domain.states import AttemptState, InvoiceState, LineState
from billing_svc.domain.withdrawal import Cause
from preau_kernel.errors import DomainError, NotFoundError, UnavailableError

from tests.unit.billing.fakes import (
    HELD_UNTIL,
    HOUSEHOLD,
    NOW,
    PARENT,
    PRICE,
    SYSTEM,
    TOWN,
    World,
    make_issue_ports,
    make_key,
    make_lines,
)

STRANGER = "00000000-0000-7000-8000-000000000002"


async def issue(world: World, count: int = 2) -> str:
    first = len(world.state.lines) + 1
    await world.hold(*range(first, first + count))
    command = IssueInvoice(make_key(f"issue {first}"), world.revision, count * PRICE, "token")
    return (await issue_invoice(command, PARENT, make_issue_ports(world))).id


async def pay(
    world: World, invoice_id: str, amount: int, attempt_id: str = "attempt", *, is_test: bool = False
) -> None:
    told = PaymentSucceeded(attempt_id, invoice_id, amount, NOW, "payfip", "ref", is_test=is_test)
    async with world.books(SYSTEM) as books:
        await receive_payment(told, SYSTEM, books, NOW, world.ids)
        await books.commit()


async def confirm(
    world: World, invoice_id: str, kept: Sequence[int], lost: Sequence[int] = (), revision: int = 0
) -> None:
    told = Confirmation(HOUSEHOLD, revision or world.revision + 1, kept, invoice_id, lost)
    async with world.books(SYSTEM) as books:
        await confirm_reservations(told, SYSTEM, books, NOW, world.ids)
        await books.commit()


async def withdraw(world: World, ids: Sequence[int], cause: Cause, revision: int = 0) -> None:
    async with world.books(SYSTEM) as books:
        await withdraw_reservations(HOUSEHOLD, revision or world.revision + 1, ids, cause, books, NOW, world.ids)
        await books.commit()


def states(world: World) -> list[LineState]:
    return [line.state for line in world.state.lines.values()]


def told(world: World, kind: type[Any]) -> list[Any]:
    return [event for event in world.state.events if isinstance(event, kind)]


@pytest.mark.parametrize(
    ("household", "revision", "lines", "reason"),
    [
        (HOUSEHOLD, 2, make_lines([1]), "REVISION_GAP"),
        (STRANGER, 1, make_lines([1]), "HOUSEHOLD_UNKNOWN"),
        (HOUSEHOLD, 1, BasketLines([1], ["child"], ["other"], [0], [0], [20_000]), "ACTIVITY_UNKNOWN"),
        (HOUSEHOLD, 1, BasketLines([1], ["child"], ["activity"], [0], [0], [10_000]), "TARIFF_MISSING"),
    ],
)
async def test_an_entry_that_cannot_be_priced_yet_comes_again(
    household: str, revision: int, lines: BasketLines, reason: str
) -> None:
    world = World()
    with pytest.raises(UnavailableError) as alone:
        async with world.books(SYSTEM) as books:
            await hold_reservations(household, revision, HELD_UNTIL, lines, books)
    with pytest.raises(UnavailableError):
        async with world.books(SYSTEM) as books:
            await hold_together([BasketEntry(household, revision, HELD_UNTIL, lines)], books)

    assert alone.value.reason == reason


async def test_an_entry_told_twice_is_priced_once() -> None:
    world = World()
    for _ in range(2):
        async with world.books(SYSTEM) as books:
            await hold_reservations(HOUSEHOLD, 1, HELD_UNTIL, make_lines([1]), books)
            await books.commit()

    assert (states(world), world.revision) == ([LineState.PENDING], 1)


async def test_a_renewed_hold_is_taken_once_and_in_its_turn() -> None:
    world = World()
    invoice_id = await issue(world)
    later = HELD_UNTIL + timedelta(hours=1)
    for revision, until in ((2, later), (2, later + timedelta(hours=1))):
        async with world.books(SYSTEM) as books:
            await renew_hold(HOUSEHOLD, revision, until, books)
            await books.commit()

    assert (world.state.invoices[invoice_id].payable_until, world.revision) == (later, 2)
    with pytest.raises(UnavailableError, match="REVISION_GAP"):
        async with world.books(SYSTEM) as books:
            await renew_hold(HOUSEHOLD, 4, later, books)
    with pytest.raises(UnavailableError, match="HOUSEHOLD_UNKNOWN"):
        async with world.books(SYSTEM) as books:
            await renew_hold(STRANGER, 1, later, books)


async def test_a_withdrawal_told_twice_is_done_once() -> None:
    world = World()
    await world.hold(1, 2)
    await withdraw(world, [1], Cause.CANCELLED)
    await withdraw(world, [2], Cause.CANCELLED, revision=world.revision)

    assert states(world) == [LineState.CANCELLED, LineState.PENDING]


@pytest.mark.parametrize(
    ("cause", "ended", "is_reopened"),
    [(Cause.CANCELLED, LineState.CANCELLED, True), (Cause.EXPIRED, LineState.LAPSED, False)],
)
async def test_an_unpaid_invoice_that_loses_a_line_is_cancelled_and_its_others_wait_again(
    cause: Cause, ended: LineState, is_reopened: bool
) -> None:
    world = World()
    invoice_id = await issue(world)
    await withdraw(world, [1], cause)

    assert states(world) == [ended, LineState.PENDING]
    assert world.state.invoices[invoice_id].status is InvoiceState.CANCELLED
    assert [event.is_reopened for event in told(world, InvoiceCancelled)] == [is_reopened]


async def test_an_unpaid_invoice_that_loses_all_its_lines_is_not_reopened() -> None:
    world = World()
    await issue(world)
    await withdraw(world, [1, 2], Cause.CANCELLED)

    assert [event.is_reopened for event in told(world, InvoiceCancelled)] == [False]


async def test_what_was_paid_and_cancelled_is_the_familys_credit() -> None:
    world = World()
    invoice_id = await issue(world)
    await pay(world, invoice_id, 2 * PRICE)
    await withdraw(world, [1], Cause.CANCELLED)

    assert states(world) == [LineState.CANCELLED, LineState.SETTLED]
    assert [event.amount_minor for event in told(world, FamilyAccountCredited)] == [PRICE]
    assert [one.total_minor for one in world.state.documents.values()] == [2 * PRICE, -PRICE]
    assert [(line.rank, line.price_minor) for line in list(world.state.documents.values())[-1].lines] == [(1, -PRICE)]


async def test_a_paid_invoice_is_confirmed_and_what_was_lost_is_credited_with_an_alert() -> None:
    world = World()
    invoice_id = await issue(world)
    await pay(world, invoice_id, 2 * PRICE)
    await confirm(world, invoice_id, [1], lost=[2])

    assert world.state.invoices[invoice_id].is_confirmed
    assert states(world) == [LineState.SETTLED, LineState.CANCELLED]
    assert [(one.reason, one.amount_minor) for one in world.state.alerts] == [("PLACES_LOST", PRICE)]


async def test_a_confirmation_told_twice_or_of_no_invoice_only_moves_the_revision() -> None:
    world = World()
    invoice_id = await issue(world)
    await pay(world, invoice_id, 2 * PRICE)
    await confirm(world, "", [1, 2])
    await confirm(world, "unknown", [1, 2])
    await confirm(world, invoice_id, [1, 2], revision=world.revision)

    assert world.revision == 3
    assert not world.state.invoices[invoice_id].is_confirmed


async def test_a_confirmation_of_an_invoice_nobody_paid_confirms_nothing() -> None:
    world = World()
    invoice_id = await issue(world)
    await confirm(world, invoice_id, [1, 2])

    assert (world.state.invoices[invoice_id].is_confirmed, states(world)) == (False, [LineState.INVOICED] * 2)


async def test_late_money_bills_anew_what_was_regained_and_keeps_the_rest_as_credit() -> None:
    world = World()
    invoice_id = await issue(world, 3)
    await withdraw(world, [1, 2, 3], Cause.EXPIRED)
    await pay(world, invoice_id, 3 * PRICE)
    assert world.state.invoices[invoice_id].late_payment_id
    await confirm(world, invoice_id, [1, 2], lost=[3])

    new = list(world.state.invoices.values())[-1]
    assert (new.total_minor, new.status, new.is_confirmed) == (2 * PRICE, InvoiceState.PAID, True)
    assert [(line.rank, line.reservation_id) for line in world.state.documents[new.id].lines] == [(1, 1), (2, 2)]
    assert [event.amount_minor for event in told(world, FamilyAccountCredited)] == [PRICE]
    assert not world.state.invoices[invoice_id].late_payment_id
    assert world.state.facts[new.id].last_attempt_id == "attempt"


async def test_late_money_does_not_bill_what_was_paid_by_something_else_meanwhile() -> None:
    world = World()
    late_id = await issue(world)
    await withdraw(world, [1, 2], Cause.EXPIRED)
    await world.hold(1)
    again = IssueInvoice(make_key("again"), world.revision, PRICE, "token")
    second_id = (await issue_invoice(again, PARENT, make_issue_ports(world))).id
    await pay(world, second_id, PRICE, "second attempt")
    await pay(world, late_id, 2 * PRICE, "late attempt")
    assert [event.reservation_ids for event in told(world, InvoiceSettled)] == [(1,), (2,)]
    await confirm(world, late_id, [1, 2])

    new = list(world.state.documents.values())[-1]
    assert [line.reservation_id for line in new.lines] == [2]
    assert [event.amount_minor for event in told(world, FamilyAccountCredited)] == [PRICE]


async def test_late_money_that_regains_nothing_is_all_credit() -> None:
    world = World()
    invoice_id = await issue(world)
    await withdraw(world, [1, 2], Cause.EXPIRED)
    await pay(world, invoice_id, 2 * PRICE)
    await confirm(world, invoice_id, [], lost=[1, 2])

    assert list(world.state.invoices) == [invoice_id]
    assert [event.amount_minor for event in told(world, FamilyAccountCredited)] == [2 * PRICE]


async def test_the_same_payment_told_twice_settles_once() -> None:
    world = World()
    invoice_id = await issue(world)
    for _ in range(2):
        await pay(world, invoice_id, 2 * PRICE)

    assert (len(world.state.payments), len(told(world, InvoiceSettled)), world.state.alerts) == (1, 1, [])


async def test_a_test_payment_in_production_moves_no_money() -> None:
    world = World()
    world.state.town = replace(TOWN, is_production=True)
    invoice_id = await issue(world)
    await pay(world, invoice_id, 2 * PRICE, is_test=True)

    assert (world.state.payments, states(world)) == ([], [LineState.INVOICED] * 2)
    assert [one.reason for one in world.state.alerts] == ["TEST_PAYMENT_IN_PRODUCTION"]


async def test_money_for_a_town_identity_has_not_told_of_waits() -> None:
    world = World()
    invoice_id = await issue(world)
    world.state.town = None
    with pytest.raises(UnavailableError, match="TOWN_UNKNOWN"):
        await pay(world, invoice_id, 2 * PRICE)


async def test_an_attempt_that_ended_fails_once_and_money_still_wins_over_it() -> None:
    world = World()
    invoice_id = await issue(world)
    async with world.books(SYSTEM) as books:
        await books.add_attempt(AttemptRecord("request", invoice_id, 1, AttemptState.STARTING), NOW)
        await books.start_attempt("request", ProviderPayment("attempt", "https://provider", None))
        await fail_payment("other", invoice_id, books)
        assert [one.state for one in await books.attempts(invoice_id)] == [AttemptState.STARTED]
        await fail_payment("attempt", invoice_id, books)
        assert [one.state for one in await books.attempts(invoice_id)] == [AttemptState.FAILED]
        await books.commit()
    await pay(world, invoice_id, 2 * PRICE)

    assert [one.state for one in world.state.attempts] == [AttemptState.PAID]


async def test_a_mismatch_is_put_before_a_clerk_and_books_nothing() -> None:
    world = World()
    invoice_id = await issue(world)
    async with world.books(SYSTEM) as books:
        await flag_mismatch(invoice_id, 99, books, NOW, world.ids)
        await books.commit()

    assert [(one.reason, one.amount_minor, one.invoice_id) for one in world.state.alerts] == [
        ("AMOUNT_MISMATCH", 99, invoice_id)
    ]
    assert world.state.payments == []


async def test_news_of_an_unknown_invoice_is_refused() -> None:
    world = World()
    with pytest.raises(NotFoundError):
        await pay(world, "unknown", 1)
    with pytest.raises(DomainError):
        async with world.books(SYSTEM) as books:
            await fail_payment("attempt", "unknown", books)
