"""The servicer behind the real server, several processes, and a household's whole story in events."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.agenda.v1 import agenda_service_pb2_grpc as rpc
from preau_chassis.client import call
from preau_chassis.server import Servicer
from preau_chassis.testing import TokenMint, running_server
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.agenda.world import World

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))


async def test_a_refusal_crosses_grpc_with_its_reason_and_facts(world: World) -> None:
    household = await world.household()
    mint = TokenMint()
    servicer = Servicer(rpc.add_AgendaServiceServicer_to_server, world.servicer, "preau.agenda.v1.AgendaService")
    async with running_server([servicer], mint) as channel:
        stub: Any = rpc.AgendaServiceStub(channel)
        token = mint.token(world.context(household.id))
        request = pb.ApplyBulkEntryRequest(request_id=str(uuid4()), entry=world.entry(household))

        answer = await call(stub.ApplyBulkEntry, request, timeout=5.0, token=token)
        again = await call(stub.ApplyBulkEntry, request, timeout=5.0, token=token)
        bad = pb.UndoBulkEntryRequest(request_id=str(uuid4()), entry_id="12")
        with pytest.raises(DomainError) as undo:
            await call(stub.UndoBulkEntry, bad, timeout=5.0, token=token)

    assert (answer.created_count, again) == (72, answer)
    assert (undo.value.kind, undo.value.reason) == (ErrorKind.NOT_FOUND, "ENTRY_NOT_FOUND")


async def test_many_calls_take_reservation_ids_that_never_meet(world: World) -> None:
    counts = [1, 700, 1500, 3, 1024, 60]

    taken = await asyncio.gather(*(world.desk.ids.take(count) for count in counts))

    assert [len(each) for each in taken] == counts
    ids = [number for each in taken for number in each]
    assert len(set(ids)) == len(ids)


async def test_rules_changed_by_another_process_are_read_again(world: World, new_world: Any) -> None:
    household = await world.household()
    await world.apply(household, "matin", period=ONE_DAY)
    other: World = await new_world()
    other.number, other.slug = world.number, world.slug
    request = pb.CreateClosureRequest(label="Grève", to=pb.CreateClosureRequest().to)
    request.to.year, request.to.month, request.to.day = 2025, 9, 2
    getattr(request, "from").CopyFrom(request.to)
    await other.call(other.staff, "CreateClosure", request)

    answer = await world.apply(household, "matin", period=(date(2025, 9, 2), date(2025, 9, 2)))

    assert [row.refusal.label for row in answer.skipped] == ["Grève"]


async def test_a_household_s_events_have_revisions_in_a_row_whatever_happens(world: World) -> None:
    household = await world.household()
    await world.apply(household, "matin", "soir")
    rows = await world.reservations(household)
    cancel = pb.CancelReservationsRequest(request_id=str(uuid4()), ids=[rows[0].id])
    await world.as_family(household, "CancelReservations", cancel)
    await world.as_family(household, "RenewHolds", pb.RenewHoldsRequest(request_id=str(uuid4())))
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    await world.as_family(household, "RestoreExpiredHolds", pb.RestoreExpiredHoldsRequest(request_id=str(uuid4())))

    told = [(kind, body) for kind, body in await world.events() if kind != "ActivityChanged"]

    assert [kind for kind, _ in told] == [
        "ReservationsHeld",
        "ReservationsCancelled",
        "HoldsRenewed",
        "ReservationsExpired",
        "ReservationsHeld",
    ]
    revisions = [getattr(events, kind).FromString(body).revision for kind, body in told]
    assert revisions == [1, 2, 3, 4, 5]
