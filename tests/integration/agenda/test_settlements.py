"""Money comes in: the consumers of billing's and identity's facts."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from agenda_svc.adapters.db.projections import PostgresProjections
from agenda_svc.entrypoints.consumers import billing_consumer, identity_consumer
from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.billing.v1 import billing_events_pb2 as billing
from preau.identity.v1 import identity_events_pb2 as identity
from preau_chassis.inbox import Consumer, Envelope
from preau_kernel.errors import DomainError

from tests.integration.agenda.test_holds import booked, undo
from tests.integration.agenda.world import Household, World, activity

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))
INVOICE = str(uuid4())


async def deliver(world: World, consumer: Consumer, message: Any) -> None:
    """As the runner does: one unit of work around the handler."""
    context = world.context("", "system")
    envelope = Envelope(uuid4(), message.DESCRIPTOR.full_name, "", context, world.clock.now(), 1, 1)
    async with world.database.unit_of_work(context) as uow:
        await consumer.handlers[type(message)](uow, message, envelope)
        await uow.commit()


async def settled(world: World, household: Household, ids: list[int], *, is_late: bool = False) -> None:
    message = billing.InvoiceSettled(
        invoice_id=INVOICE, household_id=household.id, reservation_ids=ids, is_late=is_late
    )
    await deliver(world, billing_consumer(world.desk, world.transaction_store), message)


async def ids_of(world: World, household: Household) -> list[int]:
    return [int(row.id) for row in await world.reservations(household)]


async def confirmations(world: World) -> list[events.ReservationsConfirmed]:
    return [
        events.ReservationsConfirmed.FromString(b) for kind, b in await world.events() if kind.endswith("Confirmed")
    ]


async def test_a_paid_invoice_confirms_its_reservations(world: World) -> None:
    household = await world.household()
    await world.apply(household)
    ids = await ids_of(world, household)

    await settled(world, household, ids)
    world.clock.advance(timedelta(hours=2))

    assert await world.expire() == 0
    rows = await world.reservations(household)
    assert {row.status for row in rows} == {pb.RESERVATION_STATUS_CONFIRMED}
    (event,) = await confirmations(world)
    assert (event.household_id, event.revision, event.invoice_id) == (household.id, 2, INVOICE)
    assert (sorted(event.reservation_ids), list(event.lost_reservation_ids)) == (sorted(ids), [])
    assert await booked(world) == 72


async def test_the_same_settlement_twice_is_answered_twice_and_has_one_effect(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin")
    ids = await ids_of(world, household)

    await settled(world, household, ids)
    await settled(world, household, ids)

    assert [list(event.reservation_ids) for event in await confirmations(world)] == [ids, ids]
    assert await booked(world) == 18


async def test_late_money_books_again_what_is_free_under_the_same_ids_and_names_what_is_lost(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), activity("autre", 2), capacity=1)
    household, rival = await world.household(), await world.household()
    await world.apply(household, "centre", "autre", period=ONE_DAY)
    kept, lost = sorted(
        await world.reservations(household), key=lambda row: row.activity_id != world.activities["autre"]
    )
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    await world.apply(rival, "centre", period=ONE_DAY)

    await settled(world, household, [int(kept.id), int(lost.id)], is_late=True)

    (event,) = await confirmations(world)
    assert (list(event.reservation_ids), list(event.lost_reservation_ids)) == ([int(kept.id)], [int(lost.id)])
    confirmed = await world.reservations(household, pb.RESERVATION_STATUS_CONFIRMED)
    assert [row.id for row in confirmed] == [kept.id]
    assert await booked(world) == 2


async def test_money_for_cancelled_or_unknown_reservations_is_told_as_lost(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", "soir", period=ONE_DAY)
    first, second = await ids_of(world, household)
    request = pb.CancelReservationsRequest(request_id=str(uuid4()), ids=[str(first)])
    await world.as_family(household, "CancelReservations", request)

    await settled(world, household, [first, second, 999])

    (event,) = await confirmations(world)
    assert (list(event.reservation_ids), list(event.lost_reservation_ids)) == ([second], sorted([first, 999]))


async def test_late_money_pays_what_the_family_booked_again_and_books_nothing_twice(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    (old,) = await ids_of(world, household)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    await world.apply(household, "matin", period=ONE_DAY)

    await settled(world, household, [old], is_late=True)

    (event,) = await confirmations(world)
    assert (list(event.reservation_ids), list(event.lost_reservation_ids)) == ([old], [])
    assert await booked(world) == 1


async def test_a_paid_entry_cannot_be_undone(world: World) -> None:
    household = await world.household()
    answer = await world.apply(household, "matin", period=ONE_DAY)
    await settled(world, household, await ids_of(world, household))

    with pytest.raises(DomainError) as refusal:
        await undo(world, household, answer.entry_id)

    assert refusal.value.reason == "UNDO_TOO_LATE"


async def test_settlement_and_expiry_at_the_same_instant_leave_one_consistent_state(world: World) -> None:
    household = await world.household()
    await world.apply(household)
    ids = await ids_of(world, household)
    world.clock.advance(timedelta(minutes=61))

    await asyncio.gather(world.expire(), settled(world, household, ids, is_late=True))

    rows = await world.reservations(household)
    assert {row.status for row in rows} == {pb.RESERVATION_STATUS_CONFIRMED}
    assert await booked(world) == 72
    (event,) = await confirmations(world)
    assert len(event.reservation_ids) == 72


async def test_an_older_news_of_a_household_or_town_never_overwrites_a_newer_one(world: World) -> None:
    household = await world.household(children=2)
    consumer = identity_consumer(PostgresProjections)
    stayed, left = household.children
    news = {version: [stayed] if version == 3 else household.children for version in (2, 3)}
    for version in (3, 2):
        message = identity.HouseholdChanged(household_id=household.id, child_ids=news[version], version=version)
        await deliver(world, consumer, message)
    for version, minutes in ((5, 15), (4, 90)):
        town = identity.TenantChanged(
            slug=world.slug, time_zone="America/Martinique", hold_minutes=minutes, version=version
        )
        await deliver(world, consumer, town)

    month = await world.as_family(household, "GetMonthView", pb.GetMonthViewRequest(year=2025, month=9))
    answer = await world.apply(household, "matin", child_ids=[stayed], period=ONE_DAY)

    assert {day.child_id for day in month.days} == {stayed}
    with pytest.raises(DomainError):
        await world.apply(household, "matin", child_ids=[left], period=ONE_DAY)
    held = answer.hold_expires_at.ToDatetime() - world.clock.now().replace(tzinfo=None)
    assert held == timedelta(minutes=15)
