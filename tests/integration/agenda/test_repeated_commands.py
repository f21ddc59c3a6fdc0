"""A lost answer costs nothing: every command again, under the same id, answers the same and does nothing more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.agenda.test_holds import booked
from tests.integration.agenda.world import Household, World, wire_date

ONE_DAY = (date(2025, 9, 1), date(2025, 9, 1))
Prepare = Callable[[World, Household], Awaitable[tuple[Any, Any]]]


async def create(world: World, household: Household) -> tuple[Any, Any]:
    def request(code: str) -> pb.CreateReservationsRequest:
        return pb.CreateReservationsRequest(
            child_id=household.children[0], day=wire_date(ONE_DAY[0]), activity_ids=[world.activities[code]]
        )

    return request("matin"), request("soir")


async def cancel(world: World, household: Household) -> tuple[Any, Any]:
    await world.apply(household, "matin", "soir", period=ONE_DAY)
    first, second = await world.reservations(household)
    return pb.CancelReservationsRequest(ids=[first.id]), pb.CancelReservationsRequest(ids=[second.id])


async def apply(world: World, household: Household) -> tuple[Any, Any]:
    return (
        pb.ApplyBulkEntryRequest(entry=world.entry(household, "matin")),
        pb.ApplyBulkEntryRequest(entry=world.entry(household, "soir")),
    )


async def undo(world: World, household: Household) -> tuple[Any, Any]:
    answers = [await world.apply(household, code, period=ONE_DAY) for code in ("matin", "soir")]
    first, second = (pb.UndoBulkEntryRequest(entry_id=answer.entry_id) for answer in answers)
    return first, second


async def renew(world: World, household: Household) -> tuple[Any, Any]:
    await world.apply(household, "matin", period=ONE_DAY)
    return pb.RenewHoldsRequest(), None


async def restore(world: World, household: Household) -> tuple[Any, Any]:
    await world.apply(household, "matin", period=ONE_DAY)
    world.clock.advance(timedelta(minutes=61))
    await world.expire()
    return pb.RestoreExpiredHoldsRequest(), None


COMMANDS: dict[str, Prepare] = {
    "CreateReservations": create,
    "CancelReservations": cancel,
    "ApplyBulkEntry": apply,
    "UndoBulkEntry": undo,
    "RenewHolds": renew,
    "RestoreExpiredHolds": restore,
}


@pytest.mark.parametrize("method", COMMANDS)
async def test_the_same_command_again_answers_the_same_and_does_nothing_more(world: World, method: str) -> None:
    household = await world.household()
    request, other = await COMMANDS[method](world, household)
    request.request_id = str(uuid4())

    first = await world.as_family(household, method, request)
    told, counted = await world.events(), await booked(world)
    world.clock.advance(timedelta(minutes=1))
    second = await world.as_family(household, method, request)

    assert second == first
    assert (await world.events(), await booked(world)) == (told, counted)
    if other is not None:
        other.request_id = request.request_id
        with pytest.raises(DomainError) as refusal:
            await world.as_family(household, method, other)
        assert (refusal.value.kind, refusal.value.reason) == (ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


@pytest.mark.parametrize("method", COMMANDS)
async def test_another_family_with_the_same_id_is_never_given_the_first_familys_answer(
    world: World, method: str
) -> None:
    household, stranger = await world.household(), await world.household()
    request, _ = await COMMANDS[method](world, household)
    request.request_id = str(uuid4())
    await world.as_family(household, method, request)
    told = await world.events()

    with pytest.raises(DomainError) as refusal:
        await world.as_family(stranger, method, request)

    assert refusal.value.kind in {ErrorKind.EXISTS, ErrorKind.NOT_FOUND}
    assert await world.events() == told
