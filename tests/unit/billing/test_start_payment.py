"""Starting a payment, and what a repeat of it means."""

from __future__ import annotations

import pytest
from billing_svc.application.follow_reservations import hold_reservations
from billing_svc.application.issue_invoice import IssueInvoice, IssuePorts, issue_invoice
from billing_svc.application.start_payment import StartPayment, StartPorts, start_payment
from billing_svc.domain.states import AttemptState
from preau_kernel.clock import FixedClock
from preau_kernel.errors import DomainError, ErrorKind

from tests.unit.billing.fakes import HOUSEHOLD, NOW, PARENT, SYSTEM, World, make_key, make_lines


async def issued(world: World) -> str:
    async with world.books(SYSTEM) as books:
        await hold_reservations(HOUSEHOLD, 1, NOW.replace(hour=14), make_lines([1, 2, 3, 4]), books)
        await books.commit()
    ports = IssuePorts(world, world, world, world.books, FixedClock(NOW), world.ids)
    return (await issue_invoice(IssueInvoice(make_key("i"), 1, 300, "token"), PARENT, ports)).id


def command(invoice_id: str, request_id: str = "r") -> StartPayment:
    return StartPayment(request_id, invoice_id, "https://t/r", "https://t/n", "token")


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
        await hold_reservations(HOUSEHOLD, 2, NOW.replace(hour=14), make_lines([5, 6]), books)
        await books.commit()
    issue_ports = IssuePorts(world, world, world, world.books, FixedClock(NOW), world.ids)
    other = await issue_invoice(IssueInvoice(make_key("j"), 2, 150, "token"), PARENT, issue_ports)
    with pytest.raises(DomainError, match="IDEMPOTENCY_KEY_REUSED"):
        await start_payment(command(other.id), PARENT, ports)
