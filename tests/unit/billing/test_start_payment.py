"""Starting a payment, and what a repeat of it means."""

from __future__ import annotations

import pytest
from billing_svc.application.follow_reservations import hold_reservations
from billing_svc.application.issue_invoice import IssueInvoice, issue_invoice
from billing_svc.application.start_payment import StartPayment, StartPorts, start_payment
from billing_svc.domain.states import AttemptState
from preau_kernel.clock import FixedClock
from preau_kernel.errors import DomainError, ErrorKind

from tests.unit.billing.fakes import (
    HELD_UNTIL,
    HOUSEHOLD,
    NOW,
    PARENT,
    SYSTEM,
    World,
    make_issue_ports,
    make_key,
    make_lines,
)


async def issued(world: World) -> str:
    async with world.books(SYSTEM) as books:
        await hold_reservations(HOUSEHOLD, 1, HELD_UNTIL, make_lines([1, 2, 3, 4]), books)
        await books.commit()
    ports = make_issue_ports(world)
    return (await issue_invoice(IssueInvoice(make_key("i"), 1, 300, "token"), PARENT, ports)).id


def command(invoice_id: str, request_id: str = "r") -> StartPayment:
    return StartPayment(request_id, invoice_id, "https://t/r", "https://t/n", "token")


async def small_basket(world: World) -> None:
    async with world.books(SYSTEM) as books:
        await hold_reservations(HOUSEHOLD, 1, HELD_UNTIL, make_lines([1]), books)
        await books.commit()


async def test_a_basket_below_the_providers_minimum_takes_no_number() -> None:
    world = World()
    await small_basket(world)
    order = IssueInvoice(make_key("i"), 1, 75, "token", pays_online=True)
    with pytest.raises(DomainError) as refusal:
        await issue_invoice(order, PARENT, make_issue_ports(world))
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.PRECONDITION, "AMOUNT_TOO_SMALL")
    facts = {"total_minor": "75", "minimum_minor": "100", "hold_expires_at": HELD_UNTIL.isoformat()}
    assert refusal.value.metadata == facts
    assert (world.state.invoices, world.state.documents) == ({}, {})


@pytest.mark.parametrize(("pays_online", "has_online_payment"), [(False, True), (True, False), (False, False)])
async def test_a_small_basket_is_invoiced_for_the_counter(pays_online: bool, has_online_payment: bool) -> None:
    world = World()
    world.has_online_payment = has_online_payment
    await small_basket(world)
    order = IssueInvoice(make_key("i"), 1, 75, "token", pays_online=pays_online)
    assert (await issue_invoice(order, PARENT, make_issue_ports(world))).number == "CP-2025-000001"


async def test_a_small_expected_total_that_is_stale_is_a_changed_basket() -> None:
    world = World()
    await small_basket(world)
    order = IssueInvoice(make_key("i"), 1, 45, "token", pays_online=True)
    with pytest.raises(DomainError) as refusal:
        await issue_invoice(order, PARENT, make_issue_ports(world))
    assert refusal.value.reason == "BASKET_CHANGED"


async def test_the_attempt_is_recorded_before_the_provider_is_asked() -> None:
    world = World()
    invoice_id = await issued(world)
    world.is_provider_down = True
    ports = StartPorts(world.books, world, world, FixedClock(NOW))
    with pytest.raises(DomainError) as refusal:
        await start_payment(command(invoice_id), PARENT, ports)
    assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.UNAVAILABLE, "PROVIDER_UNAVAILABLE")
    assert [attempt.state for attempt in world.state.attempts] == [AttemptState.STARTING]


async def test_a_repeat_asks_the_gateway_with_the_same_id_and_reference() -> None:
    world = World()
    invoice_id = await issued(world)
    ports = StartPorts(world.books, world, world, FixedClock(NOW))
    world.is_provider_down = True
    with pytest.raises(DomainError):
        await start_payment(command(invoice_id), PARENT, ports)
    world.is_provider_down = False
    first = await start_payment(command(invoice_id), PARENT, ports)
    assert await start_payment(command(invoice_id), PARENT, ports) == first
    assert [one.debt_reference for one in world.created] == ["CP2025000001A01"]


async def test_the_same_request_for_another_invoice_is_refused() -> None:
    world = World()
    invoice_id = await issued(world)
    ports = StartPorts(world.books, world, world, FixedClock(NOW))
    await start_payment(command(invoice_id), PARENT, ports)
    async with world.books(SYSTEM) as books:
        await hold_reservations(HOUSEHOLD, 2, HELD_UNTIL, make_lines([5, 6]), books)
        await books.commit()
    issue_ports = make_issue_ports(world)
    other = await issue_invoice(IssueInvoice(make_key("j"), 2, 150, "token"), PARENT, issue_ports)
    with pytest.raises(DomainError, match="IDEMPOTENCY_KEY_REUSED"):
        await start_payment(command(other.id), PARENT, ports)
