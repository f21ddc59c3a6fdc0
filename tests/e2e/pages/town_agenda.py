"""The small town's calendar and reservations behind the agenda's contract."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.agenda.v1.agenda_service_pb2_grpc import AgendaServiceServicer
from preau_chassis.wire import date_from_wire, date_to_wire
from preau_kernel.errors import PreconditionError

from tests.e2e.pages.small_town import (
    CATALOGUE,
    CHILDREN,
    HELD,
    NAME,
    REQUIRES,
    SmallTown,
    days_of,
)
from tests.fixtures.fake_world import refuse


class TownAgenda(AgendaServiceServicer):
    def __init__(self, town: SmallTown) -> None:
        self._town = town

    async def ListActivities(self, request: Any, context: Any) -> Any:
        return agenda.ListActivitiesResponse(
            activities=[
                agenda.Activity(
                    id=key, code=key, name=name, weekdays=weekdays, requires=requires, kind=kind, position=index
                )
                for index, (key, name, weekdays, _, requires, kind) in enumerate(CATALOGUE)
            ]
        )

    async def GetMonthView(self, request: Any, context: Any) -> Any:
        first = date(request.year, request.month, 1)
        days = []
        for offset in range(31):
            day = first + timedelta(days=offset)
            if day.month == first.month:
                days += [self._child_day(child, day) for child in request.child_ids or [item[0] for item in CHILDREN]]
        held = sum(row.status == HELD for row in self._town.rows.values())
        return agenda.GetMonthViewResponse(
            days=days, revision=self._town.revision, held_count=held if request.with_held_count else None
        )

    def _child_day(self, child: str, day: date) -> agenda.ChildDay:
        mine = self._town.on(child, day)
        reasons = []
        for activity in NAME:
            refusal = self._town.why_not(child, activity, day, NAME)
            reasons.append(refusal.reason if refusal else "")
        found = agenda.DAY_STATE_CLOSED
        for reason, state in (
            ("NOT_ENROLLED", agenda.DAY_STATE_NOT_ENROLLED),
            ("BOOKING_CUTOFF_PASSED", agenda.DAY_STATE_TOO_LATE),
            ("SESSION_FULL", agenda.DAY_STATE_FULL),
            ("ALREADY_RESERVED", agenda.DAY_STATE_BOOKED),
            ("", agenda.DAY_STATE_BOOKABLE),
        ):
            found = state if reason in reasons else found
        label = "Grève" if day == self._town.closed_day else ""
        return agenda.ChildDay(
            day=date_to_wire(day), child_id=child, state=found, reservations=mine.values(), closure_label=label
        )

    async def GetDayOffer(self, request: Any, context: Any) -> Any:
        day = date_from_wire(request.day)
        mine = self._town.on(request.child_id, day)
        offers = []
        for activity in NAME:
            refusal = self._town.why_not(request.child_id, activity, day, NAME)
            offer = agenda.ActivityOffer(
                activity_id=activity, is_bookable=refusal is None, refusal=refusal, reservation=mine.get(activity)
            )
            offer.booking_cutoff_at.FromDatetime(
                datetime(day.year, day.month, day.day, 16, tzinfo=UTC) - timedelta(days=4)
            )
            if activity == "soir":
                offer.places_left = 6
            offers.append(offer)
        return agenda.GetDayOfferResponse(offers=offers, revision=self._town.revision)

    async def GetHouseholdSummary(self, request: Any, context: Any) -> Any:
        pending = self._town.pending()
        held = [row for row in self._town.rows.values() if row.status == HELD]
        answer = agenda.GetHouseholdSummaryResponse(
            held_count=len(held),
            revision=self._town.revision,
            upcoming=pending[:8],
            recently_expired_count=self._town.expired_count,
        )
        if held:
            answer.hold_expires_at.FromDatetime(self._town.hold_end)
        else:
            answer.empty_week_starts_on.CopyFrom(date_to_wire(date(2025, 9, 1)))
            answer.empty_week_cutoff_at.FromDatetime(datetime(2025, 8, 28, 16, tzinfo=UTC))
        return answer

    async def ListReservations(self, request: Any, context: Any) -> Any:
        found = [self._town.rows[item] for item in request.ids if item in self._town.rows]
        return agenda.ListReservationsResponse(reservations=found)

    async def CreateReservations(self, request: Any, context: Any) -> Any:
        await self._town.enter("CreateReservations", request, context)
        if known := await self._town.replay("CreateReservations", request, context):
            return known
        day = date_from_wire(request.day)
        for activity in request.activity_ids:
            refusal = self._town.why_not(request.child_id, activity, day, request.activity_ids)
            if refusal:
                facts = {
                    "activity_id": activity,
                    "day": day.isoformat(),
                    "related_activity_id": refusal.related_activity_id,
                }
                await refuse(context, PreconditionError(refusal.reason, **facts))
        made = [self._town.hold(request.child_id, activity, day) for activity in request.activity_ids]
        self._town.revision += 1
        answer = agenda.CreateReservationsResponse(reservations=made, revision=self._town.revision)
        return self._town.keep("CreateReservations", request, answer)

    async def PreviewCancelReservations(self, request: Any, context: Any) -> Any:
        going = self._town.with_partners(request.ids)
        coupled = [row.id for row in going if row.id not in request.ids]
        return agenda.PreviewCancelReservationsResponse(reservations=going, coupled_ids=coupled)

    async def CancelReservations(self, request: Any, context: Any) -> Any:
        await self._town.enter("CancelReservations", request, context)
        if known := await self._town.replay("CancelReservations", request, context):
            return known
        ids = [row.id for row in self._town.with_partners(request.ids)]
        for item in ids:
            del self._town.rows[item]
        self._town.revision += 1
        return self._town.keep(
            "CancelReservations", request, agenda.CancelReservationsResponse(ids=ids, revision=self._town.revision)
        )

    def _outcome(self, entry: agenda.BulkEntry) -> tuple[list[tuple[str, str, date]], list[agenda.SkippedRow]]:
        done, skipped = [], []
        for child in entry.child_ids:
            for day in days_of(entry):
                for activity in entry.activity_ids:
                    if entry.action == agenda.BULK_ACTION_DELETE:
                        if activity in self._town.on(child, day):
                            done.append((child, activity, day))
                        continue
                    refusal = self._town.why_not(child, activity, day, entry.activity_ids)
                    if refusal is None:
                        done.append((child, activity, day))
                    elif day.isoweekday() < 6 and (refusal.reason != "NOT_THAT_WEEKDAY" or entry.weekdays):
                        skipped.append(
                            agenda.SkippedRow(
                                child_id=child, activity_id=activity, day=date_to_wire(day), refusal=refusal
                            )
                        )
        return done, skipped

    @staticmethod
    def _grouped(done: list[tuple[str, str, date]]) -> list[agenda.BulkRows]:
        groups: dict[tuple[str, str], list[date]] = defaultdict(list)
        for child, activity, day in done:
            groups[child, activity].append(day)
        return [
            agenda.BulkRows(child_id=child, activity_id=activity, days=[date_to_wire(day) for day in days])
            for (child, activity), days in groups.items()
        ]

    async def PreviewBulkEntry(self, request: Any, context: Any) -> Any:
        await self._town.enter("PreviewBulkEntry", request, context)
        done, skipped = self._outcome(request.entry)
        missing = {need for item in request.entry.activity_ids for need in REQUIRES[item]} - set(
            request.entry.activity_ids
        )
        field_name = "created" if request.entry.action == agenda.BULK_ACTION_CREATE else "removed"
        rows: dict[str, Any] = {field_name: self._grouped(done)}
        return agenda.PreviewBulkEntryResponse(skipped=skipped, missing_required_activity_ids=missing, **rows)

    async def ApplyBulkEntry(self, request: Any, context: Any) -> Any:
        await self._town.enter("ApplyBulkEntry", request, context)
        if known := await self._town.replay("ApplyBulkEntry", request, context):
            return known
        done, skipped = self._outcome(request.entry)
        self._town.revision += 1
        rows = self._grouped(done)
        if request.entry.action == agenda.BULK_ACTION_DELETE:
            for child, activity, day in done:
                del self._town.rows[self._town.on(child, day)[activity].id]
            answer = agenda.ApplyBulkEntryResponse(
                removed_count=len(done), removed=rows, skipped=skipped, revision=self._town.revision
            )
        else:
            made = [self._town.hold(*row).id for row in done]
            entry_id = f"entry-{len(self._town.entries) + 1}"
            self._town.entries[entry_id] = made
            answer = agenda.ApplyBulkEntryResponse(
                created_count=len(done), created=rows, skipped=skipped, revision=self._town.revision, entry_id=entry_id
            )
            answer.undo_until.FromDatetime(self._town.now + timedelta(minutes=10))
            answer.hold_expires_at.FromDatetime(self._town.hold_end)
        return self._town.keep("ApplyBulkEntry", request, answer)

    async def UndoBulkEntry(self, request: Any, context: Any) -> Any:
        await self._town.enter("UndoBulkEntry", request, context)
        gone = [item for item in self._town.entries.pop(request.entry_id, []) if self._town.rows.pop(item, None)]
        self._town.revision += 1
        return agenda.UndoBulkEntryResponse(removed_count=len(gone), revision=self._town.revision)

    async def RenewHolds(self, request: Any, context: Any) -> Any:
        await self._town.enter("RenewHolds", request, context)
        return agenda.RenewHoldsResponse(renewed_count=len(self._town.pending()), revision=self._town.revision)

    async def RestoreExpiredHolds(self, request: Any, context: Any) -> Any:
        await self._town.enter("RestoreExpiredHolds", request, context)
        restored, self._town.expired_count = self._town.expired_count, 0
        return agenda.RestoreExpiredHoldsResponse(restored_count=restored, lost_count=1, revision=self._town.revision)
