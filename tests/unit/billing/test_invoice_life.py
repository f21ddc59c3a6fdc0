"""What happens to an invoice: issued, paid, reopened; and what is refused on the way."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from billing_svc.application.issue_invoice import IssueInvoice, issue_invoice
from billing_svc.application.read_documents import get_document
from billing_svc.application.record_counter_payment import RecordCounterPayment, record_counter_payment
from billing_svc.application.reopen_invoice import ReopenInvoice, ReopenPorts, reopen_invoice
from billing_svc.application.start_payment import StartPayment, StartPorts, start_payment
from billing_svc.domain.events import InvoiceCancelled, InvoiceSettled
from billing_svc.domain.states import AttemptState, InvoiceState, LineState
from billing_svc.domain.tariffs import Tariff
from preau_kernel.clock import FixedClock
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind, PreconditionError

from tests.unit.billing.fakes import (
    HELD_UNTIL,
    NOW,
    PARENT,
    PRICE,
    SYSTEM,
    World,
    make_issue_ports,
    make_key,
)

STRANGER = replace(PARENT, household_id="00000000-0000-7000-8000-000000000002")
CLERK = replace(PARENT, actor="clerk", roles=frozenset({"till"}), household_id="")


def refused(reason: str) -> AbstractContextManager[Any]:
    return pytest.raises(DomainError, match=reason)


async def issue(world: World, count: int = 2, request_id: str = "i") -> str:
    """An invoice of ``count`` new lines."""
    first = len(world.state.lines) + 1
    await world.hold(*range(first, first + count))
    command = IssueInvoice(make_key(request_id), world.revision, count * PRICE, "token")
    return (await issue_invoice(command, PARENT, make_issue_ports(world))).id


async def start(world: World, invoice_id: str, request_id: str = "s", *, context: Any = PARENT, at: Any = NOW) -> str:
    command = StartPayment(request_id, invoice_id, "https://t/r", "https://t/n", "token")
    return (await start_payment(command, context, StartPorts(world.books, world, world, FixedClock(at)))).attempt_id


async def reopen(world: World, invoice_id: str, request_id: str = "o", *, context: Any = PARENT) -> str:
    ports = ReopenPorts(world.books, world, FixedClock(NOW), world.ids)
    return await reopen_invoice(ReopenInvoice(make_key(request_id), invoice_id, "token"), context, ports)


async def take(world: World, invoice_id: str, amount: int, request_id: str = "t", *, context: Any = CLERK) -> Any:
    command = RecordCounterPayment(make_key(request_id), invoice_id, "cash", amount)
    return await record_counter_payment(command, context, world.books, world, FixedClock(NOW), world.ids)


def states(world: World) -> list[LineState]:
    return [line.state for line in world.state.lines.values()]


async def test_the_same_request_is_answered_with_the_same_invoice() -> None:
    world = World()
    invoice_id = await issue(world)
    command = IssueInvoice(make_key("i"), 1, 2 * PRICE, "token")

    assert (await issue_invoice(command, PARENT, make_issue_ports(world))).id == invoice_id
    with refused("IDEMPOTENCY_KEY_REUSED"):
        other = replace(command, request=make_key("i", b"other"))
        await issue_invoice(other, PARENT, make_issue_ports(world))


async def test_an_empty_basket_is_no_invoice() -> None:
    world = World()
    with refused("BASKET_EMPTY"):
        await issue_invoice(IssueInvoice(make_key("i"), 0, 0, "token"), PARENT, make_issue_ports(world))


async def test_a_town_without_a_till_issues_no_invoice() -> None:
    world = World()
    world.state.tills.clear()
    with refused("TILL_MISSING"):
        await issue(world)


async def test_an_invoice_of_nothing_is_paid_at_once_and_a_repeat_pays_nothing_more() -> None:
    world = World()
    world.state.tariffs["activity"] = [Tariff("free", NOW.date().replace(year=2024, month=1), None, 0, 0)]
    await world.hold(1, 2)
    command = IssueInvoice(make_key("i"), 1, 0, "token")
    for _ in range(2):
        document = await issue_invoice(command, PARENT, make_issue_ports(world))

    assert document.status is InvoiceState.PAID
    assert states(world) == [LineState.SETTLED] * 2
    assert (len(world.state.payments), world.state.movements) == (1, [])
    assert [event.reservation_ids for event in world.state.events if isinstance(event, InvoiceSettled)] == [(1, 2)]


async def test_a_payment_starts_until_the_hold_ends_and_not_at_its_end() -> None:
    world = World()
    invoice_id = await issue(world)
    with refused("INVOICE_NOT_PAYABLE"):
        await start(world, invoice_id, at=HELD_UNTIL)

    assert await start(world, invoice_id, at=HELD_UNTIL - timedelta(seconds=1))


async def test_nobody_pays_for_another_household() -> None:
    world = World()
    invoice_id = await issue(world)
    with refused("INVOICE_NOT_FOUND"):
        await start(world, invoice_id, context=STRANGER)
    with refused("INVOICE_NOT_FOUND"):
        await start(world, "unknown")

    assert world.created == []


async def test_a_payment_of_less_than_the_provider_takes_is_for_the_counter() -> None:
    world = World()
    invoice_id = await issue(world, 1)
    with refused("AMOUNT_TOO_SMALL"):
        await start(world, invoice_id)

    assert world.state.attempts == []


async def test_a_payment_of_just_what_the_provider_takes_starts() -> None:
    world = World()
    world.state.tariffs["activity"] = [Tariff("tariff", NOW.date().replace(year=2024, month=1), None, 100, 200)]
    await world.hold(1)
    command = IssueInvoice(make_key("i"), 1, 100, "token", pays_online=True)
    document = await issue_invoice(command, PARENT, make_issue_ports(world))

    assert await start(world, document.id)


async def test_a_payer_without_an_address_is_told_so() -> None:
    world = World()
    invoice_id = await issue(world)
    world.email = ""
    with refused("PAYER_EMAIL_MISSING"):
        await start(world, invoice_id)


@pytest.mark.parametrize(
    ("kind", "reason"), [(ErrorKind.TIMEOUT, "PROVIDER_UNAVAILABLE"), (ErrorKind.INVALID, "AMOUNT_TOO_LARGE")]
)
async def test_a_providers_silence_is_told_as_such_and_its_refusal_as_it_is(kind: ErrorKind, reason: str) -> None:
    world = World()
    invoice_id = await issue(world)
    world.refusal = DomainError(kind, "AMOUNT_TOO_LARGE")
    with refused(reason):
        await start(world, invoice_id)


async def test_each_attempt_has_its_own_reference() -> None:
    world = World()
    invoice_id = await issue(world)
    await start(world, invoice_id, "first")
    await start(world, invoice_id, "second")

    assert [one.debt_reference for one in world.created] == ["CP2025000001A01", "CP2025000001A02"]
    assert {(one.amount_minor, one.fiscal_year) for one in world.created} == {(2 * PRICE, 2025)}


async def test_an_invoice_that_was_paid_meanwhile_sends_nobody_to_the_provider() -> None:
    world = World()
    invoice_id = await issue(world)
    await take(world, invoice_id, 2 * PRICE)
    with refused("INVOICE_NOT_PAYABLE"):
        await start(world, invoice_id)

    assert world.created == []


async def test_reopening_puts_the_lines_back_and_credits_the_invoice_once() -> None:
    world = World()
    invoice_id = await issue(world)
    note_id = await reopen(world, invoice_id)

    assert await reopen(world, invoice_id) == note_id
    assert states(world) == [LineState.PENDING] * 2
    assert world.state.invoices[invoice_id].status is InvoiceState.CANCELLED
    assert [one.total_minor for one in world.state.documents.values()] == [2 * PRICE, -2 * PRICE]
    told = [event for event in world.state.events if isinstance(event, InvoiceCancelled)]
    assert [(event.invoice_id, event.is_reopened) for event in told] == [(invoice_id, True)]


async def test_nobody_reopens_anothers_invoice_or_one_that_is_paid() -> None:
    world = World()
    invoice_id = await issue(world)
    for context, name in ((STRANGER, invoice_id), (PARENT, "unknown")):
        with refused("INVOICE_NOT_FOUND"):
            await reopen(world, name, context=context)
    await take(world, invoice_id, 2 * PRICE)
    with refused("INVOICE_NOT_PAYABLE"):
        await reopen(world, invoice_id)

    assert states(world) == [LineState.SETTLED] * 2


async def test_an_invoice_somebody_is_paying_is_not_reopened() -> None:
    world = World()
    invoice_id = await issue(world)
    attempt_id = await start(world, invoice_id)
    with pytest.raises(PreconditionError) as caught:
        await reopen(world, invoice_id)

    assert caught.value.reason == "PAYMENT_IN_PROGRESS"
    assert caught.value.metadata["attempt_id"] == attempt_id


async def test_an_invoice_whose_attempt_the_provider_has_ended_is_reopened() -> None:
    world = World()
    invoice_id = await issue(world)
    world.provider[await start(world, invoice_id)] = AttemptState.FAILED
    await reopen(world, invoice_id)

    assert [one.state for one in world.state.attempts] == [AttemptState.FAILED]
    assert states(world) == [LineState.PENDING] * 2


@pytest.mark.parametrize(
    ("kind", "reason"), [(ErrorKind.TIMEOUT, "PAYMENT_IN_PROGRESS"), (ErrorKind.FORBIDDEN, "NOT_ALLOWED")]
)
async def test_an_attempt_of_which_nothing_can_be_learnt_is_still_open(kind: ErrorKind, reason: str) -> None:
    world = World()
    invoice_id = await issue(world)
    await start(world, invoice_id)
    world.refusal = DomainError(kind, "NOT_ALLOWED")
    with refused(reason):
        await reopen(world, invoice_id)

    assert states(world) == [LineState.INVOICED] * 2


async def test_the_counter_takes_the_exact_amount_once() -> None:
    world = World()
    invoice_id = await issue(world)
    with refused("AMOUNT_MISMATCH"):
        await take(world, invoice_id, 2 * PRICE - 1, "less")
    for _ in range(2):
        document = await take(world, invoice_id, 2 * PRICE)

    assert (document.status, document.means) == (InvoiceState.PAID, "cash")
    assert document.receipt_number == "CP-QT-2025-000001"
    assert [(one.means, one.amount_minor, one.actor) for one in world.state.payments] == [("cash", 2 * PRICE, "clerk")]
    with refused("INVOICE_NOT_PAYABLE"):
        await take(world, invoice_id, 2 * PRICE, "again")


async def test_only_a_till_takes_money_at_the_counter() -> None:
    world = World()
    invoice_id = await issue(world)
    with pytest.raises(DomainError) as caught:
        await take(world, invoice_id, 2 * PRICE, context=PARENT)

    assert caught.value.kind is ErrorKind.FORBIDDEN
    assert world.state.payments == []
    with refused("INVOICE_NOT_FOUND"):
        await take(world, "unknown", 1)


async def test_what_fails_halfway_leaves_nothing_behind() -> None:
    world = World()
    invoice_id = await issue(world)
    before = world.state
    async with world.books(SYSTEM) as books:
        await books.mark_cancelled(invoice_id, "note")

    assert world.state is before
    assert world.state.invoices[invoice_id].status is InvoiceState.ISSUED


@pytest.mark.parametrize(
    ("context", "is_seen"),
    [
        (PARENT, True),
        (STRANGER, False),
        (CLERK, True),
        (replace(CLERK, household_id=STRANGER.household_id), False),
        (replace(PARENT, household_id=""), False),
    ],
)
async def test_a_document_is_seen_by_its_household_and_by_a_till_that_speaks_for_none(
    context: Context, is_seen: bool
) -> None:
    world = World()
    invoice_id = await issue(world)
    if is_seen:
        assert (await get_document(invoice_id, context, world)).id == invoice_id
    else:
        with pytest.raises(DomainError):
            await get_document(invoice_id, context, world)
