"""Paid invoices and the family's own moves cross each other: what was paid for is kept, and counted once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from agenda_svc.adapters.db.reservation_store import TransactionReservationStore
from agenda_svc.entrypoints.consumers import billing_consumer
from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.billing.v1 import billing_events_pb2 as billing
from preau_kernel.errors import DomainError

from tests.integration.agenda.test_holds import booked, renew, restore, undo
from tests.integration.agenda.test_settlements import confirmations, deliver, ids_of, settled
from tests.integration.agenda.world import Household, World, activity

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))
DRIFT = """
SELECT s.session_key, s.booked, count(r.reservation_id) AS live FROM session s
LEFT JOIN reservation r ON r.tenant_id = s.tenant_id AND r.session_key = s.session_key AND r.status IN (1, 2)
GROUP BY s.session_key, s.booked HAVING s.booked <> count(r.reservation_id)"""


async def test_money_confirms_what_the_family_took_back_before_it_came(world: World) -> None:
    household = await world.household()
    await world.apply(household, "restauration", "midi", period=ONE_DAY)
    paid = await ids_of(world, household)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    await restore(world, household)

    await settled(world, household, paid, is_late=True)

    (event,) = await confirmations(world)
    assert (sorted(event.reservation_ids), list(event.lost_reservation_ids)) == (sorted(paid), [])
    confirmed = await world.reservations(household, pb.RESERVATION_STATUS_CONFIRMED)
    assert sorted(int(row.id) for row in confirmed) == sorted(paid)
    assert await world.reservations(household, pb.RESERVATION_STATUS_HELD) == []
    assert await booked(world) == 2
    (told,) = [events.ReservationsCancelled.FromString(b) for kind, b in await world.events() if "Cancelled" in kind]
    assert (len(told.reservation_ids), told.revision, event.revision) == (2, 4, 5)


async def test_a_place_taken_back_for_one_child_is_not_given_to_the_other(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), capacity=2)
    household, rival = await world.household(children=2), await world.household()
    await world.apply(household, "centre", period=ONE_DAY)
    paid = await ids_of(world, household)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    await world.apply(rival, "centre", period=ONE_DAY)
    await world.apply(household, "centre", period=ONE_DAY, child_ids=household.children[1:])

    await settled(world, household, paid, is_late=True)

    confirmed = await world.reservations(household, pb.RESERVATION_STATUS_CONFIRMED)
    assert [row.child_id for row in confirmed] == household.children[1:]
    assert await world.rows(DRIFT) == []


async def test_a_second_invoice_for_what_is_confirmed_already_is_answered_too(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    ids = await ids_of(world, household)
    await settled(world, household, ids)
    again = billing.InvoiceSettled(invoice_id=str(uuid4()), household_id=household.id, reservation_ids=ids)

    await deliver(world, billing_consumer(world.desk, world.transaction_store), again)

    assert [event.invoice_id for event in await confirmations(world)][1:] == [again.invoice_id]
    assert await booked(world) == 1


async def test_an_entry_whose_payment_was_begun_cannot_be_undone(world: World) -> None:
    household = await world.household()
    answer = await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(seconds=30))
    await renew(world, household)

    with pytest.raises(DomainError) as refusal:
        await undo(world, household, answer.entry_id)

    assert refusal.value.reason == "UNDO_TOO_LATE"
    assert await booked(world) == 1


async def test_late_money_and_new_bookings_on_the_same_sessions_never_wait_for_each_other(world: World) -> None:
    household, other = await world.household(), await world.household()
    await world.apply(household, "matin")
    paid = await ids_of(world, household)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    crossing: list[asyncio.Task[Any]] = []

    class Slow(TransactionReservationStore):
        async def apply(self, *args: Any) -> bool:
            # Longer than the server waits before it looks for a deadlock, once.
            crossing.append(asyncio.create_task(world.apply(other, "matin")))
            await asyncio.sleep(1.2)
            return await super().apply(*args)

    message = billing.InvoiceSettled(invoice_id=str(uuid4()), household_id=household.id, reservation_ids=paid)
    consumer = billing_consumer(world.desk, lambda uow: Slow(uow, world.database))

    await deliver(world, consumer, message)

    assert (await crossing[0]).created_count == 18
    assert await booked(world) == 36
    assert await world.rows(DRIFT) == []


async def _steps(world: World, household: Household) -> list[Callable[[random.Random], Awaitable[Any]]]:
    async def held_or_gone(dice: random.Random) -> list[str]:
        rows = await world.reservations(household)
        return [row.id for row in dice.sample(rows, min(len(rows), 3))]

    async def cancel(dice: random.Random) -> None:
        request = pb.CancelReservationsRequest(request_id=str(uuid4()), ids=await held_or_gone(dice))
        await world.as_family(household, "CancelReservations", request)

    async def pay(dice: random.Random) -> None:
        await settled(world, household, [int(each) for each in await held_or_gone(dice)], is_late=True)

    async def delete(dice: random.Random) -> None:
        await world.apply(household, dice.choice(["midi", "restauration", "soir"]), action=pb.BULK_ACTION_DELETE)

    async def book(dice: random.Random) -> None:
        period = (date(2025, 9, dice.randint(1, 3)), date(2025, 9, 5))
        await world.apply(household, *dice.sample(["matin", "restauration", "midi", "soir"], 2), period=period)

    async def wait(dice: random.Random) -> None:
        world.clock.advance(timedelta(minutes=dice.choice([1, 20, 61])))
        if dice.random() < 0.7:
            await world.expire()

    return [
        cancel,
        pay,
        delete,
        book,
        book,
        wait,
        lambda _: renew(world, household),
        lambda _: restore(world, household),
    ]


@pytest.mark.parametrize("seed", range(4))
async def test_no_sequence_of_moves_lets_a_counter_drift(new_world: Any, seed: int) -> None:
    world: World = await (await new_world()).with_activities(capacity=2)
    households = [await world.household(children=2), await world.household()]
    dice = random.Random(seed)
    for _ in range(40):
        step = dice.choice(await _steps(world, dice.choice(households)))
        try:
            await step(dice)
        except DomainError as refusal:
            assert refusal.reason not in {"CONFLICT", "DATABASE_UNAVAILABLE"}  # noqa: PT017 - a refusal is as good as a move, but not any refusal
        assert await world.rows(DRIFT) == []
    too_many = await world.rows("SELECT 1 FROM session WHERE booked > capacity")
    assert too_many == []
