"""What the agenda refuses before it changes anything, and what it answers to a household it does not know."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_kernel.errors import DomainError, ErrorKind

from tests.integration.agenda.test_holds import booked
from tests.integration.agenda.world import Household, World, wire_date

MONDAY, TUESDAY = date(2025, 9, 1), date(2025, 9, 2)


def dated(message: Any, first: date = MONDAY, last: date = TUESDAY) -> Any:
    getattr(message, "from").CopyFrom(wire_date(first))
    message.to.CopyFrom(wire_date(last))
    return message


def enrolment(world: World, household: Household, **changes: Any) -> Any:
    fields = {"child_ids": household.children, "activity_ids": [world.activities["matin"]]}
    return pb.EnrolChildrenRequest(household_id=household.id, **(fields | changes))


STAFF_REQUESTS: dict[str, tuple[str, Callable[[World, Household], Any]]] = {
    "NO_CHILD": ("EnrolChildren", lambda world, household: dated(enrolment(world, household, child_ids=[]))),
    "NO_ACTIVITY": ("EnrolChildren", lambda world, household: dated(enrolment(world, household, activity_ids=[]))),
    "PERIOD_REVERSED": (
        "EnrolChildren",
        lambda world, household: dated(enrolment(world, household), TUESDAY, MONDAY),
    ),
    "INVALID_LABEL": ("CreateClosure", lambda _world, _household: dated(pb.CreateClosureRequest(label="  "))),
    "INVALID_CAPACITY": (
        "OpenSessions",
        lambda world, _household: dated(
            pb.OpenSessionsRequest(activity_id=world.activities["matin"], capacity=100_001)
        ),
    ),
}


@pytest.mark.parametrize("reason", STAFF_REQUESTS)
async def test_what_staff_ask_that_makes_no_sense_is_refused_with_its_reason(world: World, reason: str) -> None:
    method, request = STAFF_REQUESTS[reason]
    household = await world.household()

    with pytest.raises(DomainError) as caught:
        await world.call(world.staff, method, request(world, household))

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.INVALID, reason)


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        ("GetHouseholdSummary", pb.GetHouseholdSummaryRequest(days=32), "TOO_MANY_DAYS"),
        ("GetHouseholdSummary", pb.GetHouseholdSummaryRequest(days=-1), "TOO_MANY_DAYS"),
        ("CancelReservations", pb.CancelReservationsRequest(request_id=str(uuid4())), "NO_RESERVATION"),
        (
            "CancelReservations",
            pb.CancelReservationsRequest(request_id=str(uuid4()), ids=map(str, range(1, 2_002))),
            "TOO_MANY_IDS",
        ),
    ],
)
async def test_what_a_family_asks_that_makes_no_sense_is_refused_with_its_reason(
    world: World, method: str, request_: Any, reason: str
) -> None:
    household = await world.household()

    with pytest.raises(DomainError) as caught:
        await world.as_family(household, method, request_)

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.INVALID, reason)


async def test_a_day_without_an_activity_books_nothing(world: World) -> None:
    household = await world.household()
    request = pb.CreateReservationsRequest(
        request_id=str(uuid4()), child_id=household.children[0], day=wire_date(MONDAY)
    )

    with pytest.raises(DomainError) as caught:
        await world.as_family(household, "CreateReservations", request)

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.INVALID, "NO_ACTIVITY")


async def test_a_household_the_agenda_was_not_told_of_has_nothing(world: World) -> None:
    stranger = Household(str(uuid4()), [])

    summary = await world.as_family(stranger, "GetHouseholdSummary", pb.GetHouseholdSummaryRequest())
    renewed = await world.as_family(stranger, "RenewHolds", pb.RenewHoldsRequest(request_id=str(uuid4())))
    restored = await world.as_family(
        stranger, "RestoreExpiredHolds", pb.RestoreExpiredHoldsRequest(request_id=str(uuid4()))
    )

    assert summary == pb.GetHouseholdSummaryResponse()
    assert renewed == pb.RenewHoldsResponse()
    assert restored == pb.RestoreExpiredHoldsResponse()
    assert await world.reservations(stranger) == []


async def test_an_entry_that_is_none_of_the_households_cannot_be_undone(world: World) -> None:
    owner, other = await world.household(), await world.household()
    answer = await world.apply(owner, "matin", period=(MONDAY, MONDAY))
    request = pb.UndoBulkEntryRequest(request_id=str(uuid4()), entry_id=answer.entry_id)

    with pytest.raises(DomainError) as caught:
        await world.as_family(other, "UndoBulkEntry", request)

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.NOT_FOUND, "ENTRY_NOT_FOUND")
    assert len(await world.reservations(owner)) == 1


async def test_a_preview_under_the_same_id_is_answered_again_whatever_was_booked_meanwhile(world: World) -> None:
    household = await world.household()
    entry = world.entry(household, "matin", period=(MONDAY, MONDAY))
    request = pb.PreviewBulkEntryRequest(entry=entry, request_id=str(uuid4()))

    first = await world.as_family(household, "PreviewBulkEntry", request)
    assert await booked(world) == 0
    await world.apply(household, "matin", period=(MONDAY, MONDAY))
    again = await world.as_family(household, "PreviewBulkEntry", request)
    now = await world.as_family(household, "PreviewBulkEntry", pb.PreviewBulkEntryRequest(entry=entry))

    assert len(first.created) == 1
    assert again == first
    assert (len(now.created), len(now.skipped)) == (0, 1)


async def test_a_preview_of_another_entry_under_the_same_id_is_refused(world: World) -> None:
    household = await world.household()
    request_id = str(uuid4())
    for code in ("matin", "soir"):
        request = pb.PreviewBulkEntryRequest(entry=world.entry(household, code), request_id=request_id)
        if code == "matin":
            await world.as_family(household, "PreviewBulkEntry", request)
            continue
        with pytest.raises(DomainError) as caught:
            await world.as_family(household, "PreviewBulkEntry", request)

    assert (caught.value.kind, caught.value.reason) == (ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")


async def test_a_preview_of_a_deletion_tells_what_would_go(world: World) -> None:
    household = await world.household()
    await world.apply(household, "restauration", "midi", period=(MONDAY, MONDAY))
    entry = world.entry(household, "restauration", action=pb.BULK_ACTION_DELETE, period=(MONDAY, MONDAY))

    answer = await world.as_family(
        household, "PreviewBulkEntry", pb.PreviewBulkEntryRequest(entry=entry, request_id=str(uuid4()))
    )

    assert sorted(row.activity_id for row in answer.removed) == sorted(
        world.activities[code] for code in ("restauration", "midi")
    )
    assert len(await world.reservations(household)) == 2
