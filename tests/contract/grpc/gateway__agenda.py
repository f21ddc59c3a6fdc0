"""What the gateway counts on in agenda."""

from __future__ import annotations

from gateway.api.mapping import wire_day
from preau.agenda.v1.agenda_service_pb2 import (
    ApplyBulkEntryRequest,
    CreateReservationsRequest,
    GetHouseholdSummaryRequest,
    GetMonthViewRequest,
    ListActivitiesRequest,
    ListReservationsRequest,
    PreviewBulkEntryRequest,
    UndoBulkEntryRequest,
)
from preau_kernel.errors import ErrorKind
from preau_kernel.ids import uuid7

from tests.contract.grpc.gateway_contract import Contract, refused

NOBODY = "0190c1a8-0000-7000-8000-000000000000"


async def expect_activities_have_ids_names_and_weekdays(contract: Contract) -> None:
    answer = await contract.clients.agenda.list_activities(await contract.token(), ListActivitiesRequest())
    assert answer.activities
    for activity in answer.activities:
        assert activity.id
        assert activity.name
        assert set(activity.weekdays) <= set(range(1, 8))


async def expect_a_month_has_only_days_of_that_month(contract: Contract) -> None:
    request = GetMonthViewRequest(year=contract.day.year, month=contract.day.month)
    answer = await contract.clients.agenda.get_month_view(await contract.token(), request)
    assert answer.days
    assert {(each.day.year, each.day.month) for each in answer.days} == {(contract.day.year, contract.day.month)}


async def expect_a_preview_writes_nothing(contract: Contract) -> None:
    token = await contract.token()
    summary = GetHouseholdSummaryRequest(days=1)
    before = await contract.clients.agenda.get_household_summary(token, summary)
    request = PreviewBulkEntryRequest(entry=await contract.entry(token))
    assert (await contract.clients.agenda.preview_bulk_entry(token, request)).created
    after = await contract.clients.agenda.get_household_summary(token, summary)
    assert after.revision == before.revision
    assert after.held_count == before.held_count


async def expect_a_bulk_entry_is_applied_once_per_request_and_can_be_undone(contract: Contract) -> None:
    token = await contract.token()
    request = ApplyBulkEntryRequest(request_id=str(uuid7()), entry=await contract.entry(token))
    first = await contract.clients.agenda.apply_bulk_entry(token, request)
    assert first.created_count > 0
    assert first.revision > 0
    assert await contract.clients.agenda.apply_bulk_entry(token, request) == first
    other = ApplyBulkEntryRequest(request_id=request.request_id, entry=request.entry)
    other.entry.weekdays.append(7)
    await refused(contract.clients.agenda.apply_bulk_entry(token, other), ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")
    undo = UndoBulkEntryRequest(request_id=str(uuid7()), entry_id=first.entry_id)
    undone = await contract.clients.agenda.undo_bulk_entry(token, undo)
    assert undone.removed_count == first.created_count
    assert undone.revision > first.revision


async def expect_another_households_child_is_not_found(contract: Contract) -> None:
    token = await contract.token()
    request = CreateReservationsRequest(
        request_id=str(uuid7()),
        child_id=NOBODY,
        day=wire_day(contract.day),
        activity_ids=list((await contract.entry(token)).activity_ids)[:1],
    )
    await refused(contract.clients.agenda.create_reservations(token, request), ErrorKind.NOT_FOUND)


async def expect_unknown_reservations_are_left_out(contract: Contract) -> None:
    request = ListReservationsRequest(ids=["999999999"])
    answer = await contract.clients.agenda.list_reservations(await contract.token(), request)
    assert not answer.reservations
