"""What the agenda counts: only what was committed, once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from agenda_svc.adapters.db.holds import PostgresHoldCounts
from agenda_svc.adapters.measures import TownHolds
from agenda_svc.entrypoints.consumers import billing_consumer
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.billing.v1 import billing_events_pb2 as billing
from preau_chassis.database import Database
from preau_chassis.inbox import Envelope
from preau_chassis.testing import Recorded, recorded_metrics
from preau_chassis.wire import timestamp_to_wire
from preau_kernel.errors import DomainError

from tests.integration.agenda.world import Household, World, activity, wire_date

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))


def refusals(recorded: Recorded, world: World) -> dict[str, float]:
    return {
        str(each["preau.reason"]): recorded.value("preau.refusals", each)
        for each in recorded.attributes("preau.refusals")
        if each["preau.tenant"] == world.slug
    }


def of_town(recorded: Recorded, world: World, name: str) -> float:
    return recorded.value(name, {"preau.tenant": world.slug})


async def ids_of(world: World, household: Household) -> list[int]:
    return [int(row.id) for row in await world.reservations(household)]


async def test_an_entry_is_counted_when_it_is_saved_and_not_when_it_is_repeated(world: World) -> None:
    household = await world.household()
    request_id = str(uuid4())
    with recorded_metrics() as recorded:
        answer = await world.apply(household, request_id=request_id)
        assert of_town(recorded, world, "preau.bookings") == answer.created_count == 72
        skipped = refusals(recorded, world)
        assert sum(skipped.values()) == len(answer.skipped)

        again = await world.apply(household, request_id=request_id)
        assert again == answer
        assert of_town(recorded, world, "preau.bookings") == 72
        assert refusals(recorded, world) == skipped


async def test_rows_that_cannot_be_are_counted_by_reason_also_when_nothing_is_created(world: World) -> None:
    household = await world.household()
    request_id = str(uuid4())
    await world.apply(household, "matin")
    with recorded_metrics() as recorded:
        await world.apply(household, "matin", request_id=request_id)
        assert refusals(recorded, world) == {"ALREADY_RESERVED": 18}

        await world.apply(household, "matin", request_id=request_id)
        assert refusals(recorded, world) == {"ALREADY_RESERVED": 18}
        assert of_town(recorded, world, "preau.bookings") == 0


async def test_what_cannot_be_deleted_is_no_refused_booking(world: World) -> None:
    household = await world.household()
    with recorded_metrics() as recorded:
        answer = await world.apply(household, "matin", action=pb.BULK_ACTION_DELETE, weekdays=[1])
        assert answer.skipped
        assert refusals(recorded, world) == {}


async def test_a_booking_that_is_refused_whole_counts_its_reason(new_world: Any) -> None:
    world: World = await (await new_world()).with_activities(activity("centre", 1), capacity=1)
    first, second = await world.household(), await world.household()
    with recorded_metrics() as recorded:
        await _create(world, first)
        with pytest.raises(DomainError, match="SESSION_FULL"):
            await _create(world, second)
        assert refusals(recorded, world) == {"SESSION_FULL": 1}
        assert of_town(recorded, world, "preau.bookings") == 1


async def _create(world: World, household: Household) -> None:
    request = pb.CreateReservationsRequest(
        request_id=str(uuid4()),
        child_id=household.children[0],
        day=wire_date(ONE_DAY[0]),
        activity_ids=list(world.activities.values()),
    )
    await world.as_family(household, "CreateReservations", request)


async def settle(
    world: World, household: Household, ids: list[int], *, seconds_ago: float | None, commits: bool = True
) -> None:
    message = billing.InvoiceSettled(invoice_id=str(uuid4()), household_id=household.id, reservation_ids=ids)
    if seconds_ago is not None:
        message.paid_known_at.CopyFrom(timestamp_to_wire(world.clock.now() - timedelta(seconds=seconds_ago)))
    context = world.context("", "system")
    envelope = Envelope(uuid4(), message.DESCRIPTOR.full_name, "", context, world.clock.now(), 1, 1)
    consumer = billing_consumer(world.desk, world.transaction_store)
    async with world.database.unit_of_work(context) as uow:
        await consumer.handlers[billing.InvoiceSettled](uow, message, envelope)
        if commits:
            await uow.commit()


async def test_a_confirmation_is_counted_and_timed_once_it_is_committed(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin")
    ids = await ids_of(world, household)
    with recorded_metrics() as recorded:
        await settle(world, household, ids, seconds_ago=2.5, commits=False)
        assert of_town(recorded, world, "preau.confirmations") == 0
        assert of_town(recorded, world, "preau.paid_to_confirmed") == 0

        await settle(world, household, ids, seconds_ago=2.5)
        assert of_town(recorded, world, "preau.confirmations") == 18
        assert of_town(recorded, world, "preau.paid_to_confirmed") == 1
        assert recorded.seconds("preau.paid_to_confirmed", {"preau.tenant": world.slug}) == pytest.approx(2.5)

        # Told again under another event id: nothing is confirmed any more.
        await settle(world, household, ids, seconds_ago=60)
        assert of_town(recorded, world, "preau.confirmations") == 18
        assert of_town(recorded, world, "preau.paid_to_confirmed") == 1


async def test_money_whose_instant_is_not_told_is_confirmed_and_not_timed(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin")
    with recorded_metrics() as recorded:
        await settle(world, household, await ids_of(world, household), seconds_ago=None)
        assert of_town(recorded, world, "preau.confirmations") == 18
        assert of_town(recorded, world, "preau.paid_to_confirmed") == 0


async def test_holds_that_end_are_counted_by_the_job_and_by_whoever_comes_first(world: World) -> None:
    waits, comes_back = await world.household(), await world.household()
    await world.apply(waits, "matin")
    await world.apply(comes_back, "soir")
    world.clock.advance(timedelta(minutes=61))
    with recorded_metrics() as recorded:
        # The command sweeps its own household's ended holds before it books.
        await world.apply(comes_back, "soir")
        assert of_town(recorded, world, "preau.holds.expired") == 18
        assert await world.expire() == 18
        assert of_town(recorded, world, "preau.holds.expired") == 36
        assert await world.expire() == 0
        assert of_town(recorded, world, "preau.holds.expired") == 36


async def test_the_holds_of_all_towns_are_counted(new_world: Any, world: World, agenda_work_database: Database) -> None:
    quiet: World = await new_world()
    household, late = await world.household(children=2), await world.household()
    await world.apply(household, "matin")
    await settle(world, household, (await ids_of(world, household))[:6], seconds_ago=None)
    world.clock.advance(timedelta(minutes=50))
    await world.apply(late, "soir", period=ONE_DAY)
    counts = PostgresHoldCounts(world.database, agenda_work_database)

    found = {each.town: each for each in await counts.of_all_towns(world.clock.now())}

    assert found[world.slug] == TownHolds(world.slug, open=31, expiring=30)
    assert found[quiet.slug] == TownHolds(quiet.slug, open=0, expiring=0)
