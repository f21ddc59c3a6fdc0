"""The gRPC service: checks the shape of requests, calls one use case each, answers."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from google.protobuf.message import Message
from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.agenda.v1.agenda_service_pb2_grpc import AgendaServiceServicer
from preau_chassis.server import current_context
from preau_chassis.wire import date_from_wire, parse_int_id, parse_uuid
from preau_kernel.context import Context
from preau_kernel.errors import InvalidError, PreconditionError

from agenda_svc.application.apply_bulk_entry import apply_bulk_entry
from agenda_svc.application.cancel_reservations import cancel_reservations
from agenda_svc.application.create_closure import create_closure
from agenda_svc.application.create_reservations import Created, CreateReservations, create_reservations
from agenda_svc.application.desk import Desk
from agenda_svc.application.enrol_children import Enrolment, enrol_children
from agenda_svc.application.get_day_offer import get_day_offer
from agenda_svc.application.get_household_summary import get_household_counts, get_household_summary
from agenda_svc.application.get_month_view import get_month_view
from agenda_svc.application.import_school_calendar import import_school_calendar
from agenda_svc.application.list_activities import list_activities
from agenda_svc.application.list_reservations import ListReservations, list_reservations
from agenda_svc.application.open_sessions import open_sessions
from agenda_svc.application.ports import CommandKey, PublicHolidays, TownStore
from agenda_svc.application.preview_bulk_entry import preview_bulk_entry, preview_bulk_entry_once
from agenda_svc.application.preview_cancel_reservations import preview_cancel_reservations
from agenda_svc.application.renew_holds import renew_holds
from agenda_svc.application.restore_expired_holds import restore_expired_holds
from agenda_svc.application.undo_bulk_entry import undo_bulk_entry
from agenda_svc.application.upsert_activity import upsert_activity
from agenda_svc.domain.states import Status
from agenda_svc.entrypoints import bulk_wire, wire
from agenda_svc.entrypoints.measures import count_refusal, count_refusals


@dataclass(frozen=True, slots=True)
class Ports:
    desk: Desk
    towns: TownStore
    public_holidays: PublicHolidays


def command_of(ctx: Context, method: str, request: Any) -> CommandKey:
    """The same request id, household and body are the same command."""
    request_id = parse_request_id(request.request_id)
    body: bytes = request.SerializeToString(deterministic=True)
    digest = hashlib.sha256(ctx.household_id.encode() + b"\0" + body).digest()
    return CommandKey(method, request_id, digest)


def parse_request_id(text: str) -> Any:
    """``INVALID/INVALID_REQUEST_ID`` unless it is a UUID."""
    try:
        return parse_uuid(text)
    except InvalidError:
        raise InvalidError("INVALID_REQUEST_ID", "request_id") from None


def optional_day(message: Message, field: str) -> date | None:
    return date_from_wire(getattr(message, field), field) if message.HasField(field) else None


def required_day(message: Message, field: str) -> date:
    day: Date = getattr(message, field)
    return date_from_wire(day, field)


class AgendaServicer(AgendaServiceServicer):
    """``preau.agenda.v1.AgendaService``."""

    def __init__(self, ports: Ports) -> None:
        self._desk = ports.desk
        self._towns = ports.towns
        self._public_holidays = ports.public_holidays

    async def ApplyBulkEntry(self, request: pb.ApplyBulkEntryRequest, _: Any) -> pb.ApplyBulkEntryResponse:
        ctx = current_context()
        to_message = bulk_wire.to_compact_response if request.compact else bulk_wire.to_bulk_response
        encode = wire.Encoder(to_message, pb.ApplyBulkEntryResponse.FromString)
        command = command_of(ctx, "ApplyBulkEntry", request)
        body = await apply_bulk_entry(ctx, self._desk, command, bulk_wire.bulk_entry(request.entry), encode)
        if request.entry.action == pb.BULK_ACTION_CREATE:
            for outcome in encode.result(body):
                count_refusals(ctx.tenant_slug, outcome.skipped)
        return encode.message(body)

    async def PreviewBulkEntry(self, request: pb.PreviewBulkEntryRequest, _: Any) -> pb.PreviewBulkEntryResponse:
        ctx, entry = current_context(), bulk_wire.bulk_entry(request.entry)
        if not request.request_id:
            return bulk_wire.to_preview_response(await preview_bulk_entry(ctx, self._desk, entry))
        encode = wire.Encoder(bulk_wire.to_preview_response, pb.PreviewBulkEntryResponse.FromString)
        command = command_of(ctx, "PreviewBulkEntry", request)
        return encode.message(await preview_bulk_entry_once(ctx, self._desk, command, entry, encode))

    async def UndoBulkEntry(self, request: pb.UndoBulkEntryRequest, _: Any) -> pb.UndoBulkEntryResponse:
        def to_message(count: int, revision: int) -> pb.UndoBulkEntryResponse:
            return pb.UndoBulkEntryResponse(removed_count=count, revision=revision)

        ctx = current_context()
        encode = wire.Encoder(to_message, pb.UndoBulkEntryResponse.FromString)
        entry_id = parse_int_id(request.entry_id, "entry_id")
        command = command_of(ctx, "UndoBulkEntry", request)
        return encode.message(await undo_bulk_entry(ctx, self._desk, command, entry_id, encode))

    async def CreateReservations(self, request: pb.CreateReservationsRequest, _: Any) -> pb.CreateReservationsResponse:
        def to_message(created: Created) -> pb.CreateReservationsResponse:
            return pb.CreateReservationsResponse(
                reservations=[wire.to_reservation(created.rules, created.child_ids, row) for row in created.rows],
                revision=created.revision,
            )

        ctx = current_context()
        encode = wire.Encoder(to_message, pb.CreateReservationsResponse.FromString)
        wanted = CreateReservations(
            str(parse_uuid(request.child_id, "child_id")),
            required_day(request, "day"),
            wire.activity_ids(request.activity_ids),
        )
        command = command_of(ctx, "CreateReservations", request)
        try:
            return encode.message(await create_reservations(ctx, self._desk, command, wanted, encode))
        except PreconditionError as refusal:
            count_refusal(ctx.tenant_slug, refusal.reason)
            raise

    async def PreviewCancelReservations(
        self, request: pb.PreviewCancelReservationsRequest, _: Any
    ) -> pb.PreviewCancelReservationsResponse:
        ids = wire.reservation_ids(request.ids)
        preview = await preview_cancel_reservations(current_context(), self._desk, ids)
        return pb.PreviewCancelReservationsResponse(
            reservations=[wire.to_reservation(preview.rules, preview.child_ids, row) for row in preview.rows],
            coupled_ids=[str(reservation_id) for reservation_id in preview.coupled_ids],
            refusals=[
                pb.ReservationRefusal(reservation_id=str(reservation_id), refusal=wire.to_refusal(refusal))
                for reservation_id, refusal in preview.refusals
            ],
        )

    async def CancelReservations(self, request: pb.CancelReservationsRequest, _: Any) -> pb.CancelReservationsResponse:
        def to_message(ids: Sequence[int], revision: int) -> pb.CancelReservationsResponse:
            return pb.CancelReservationsResponse(ids=[str(each) for each in ids], revision=revision)

        ctx = current_context()
        encode = wire.Encoder(to_message, pb.CancelReservationsResponse.FromString)
        command = command_of(ctx, "CancelReservations", request)
        ids = wire.reservation_ids(request.ids)
        return encode.message(await cancel_reservations(ctx, self._desk, command, ids, encode))

    async def RenewHolds(self, request: pb.RenewHoldsRequest, _: Any) -> pb.RenewHoldsResponse:
        def to_message(count: int, until: datetime | None, revision: int) -> pb.RenewHoldsResponse:
            return pb.RenewHoldsResponse(
                renewed_count=count, hold_expires_at=wire.to_timestamp(until), revision=revision
            )

        ctx = current_context()
        encode = wire.Encoder(to_message, pb.RenewHoldsResponse.FromString)
        return encode.message(await renew_holds(ctx, self._desk, command_of(ctx, "RenewHolds", request), encode))

    async def RestoreExpiredHolds(
        self, request: pb.RestoreExpiredHoldsRequest, _: Any
    ) -> pb.RestoreExpiredHoldsResponse:
        def to_message(restored: int, lost: int, revision: int) -> pb.RestoreExpiredHoldsResponse:
            return pb.RestoreExpiredHoldsResponse(restored_count=restored, lost_count=lost, revision=revision)

        ctx = current_context()
        encode = wire.Encoder(to_message, pb.RestoreExpiredHoldsResponse.FromString)
        command = command_of(ctx, "RestoreExpiredHolds", request)
        return encode.message(await restore_expired_holds(ctx, self._desk, command, encode))

    async def ListActivities(self, _request: pb.ListActivitiesRequest, _: Any) -> pb.ListActivitiesResponse:
        rules = await list_activities(current_context(), self._desk)
        ids = {activity.key: activity.id for activity in rules.activities}
        return pb.ListActivitiesResponse(activities=[wire.to_activity(each, ids) for each in rules.activities])

    async def GetMonthView(self, request: pb.GetMonthViewRequest, _: Any) -> pb.GetMonthViewResponse:
        children = wire.child_ids(request.child_ids)
        view = await get_month_view(
            current_context(),
            self._desk,
            request.year,
            request.month,
            children,
            with_held_count=request.with_held_count,
        )
        return pb.GetMonthViewResponse(
            days=[wire.to_child_day(view.rules, view.child_ids, day) for day in view.days],
            revision=view.revision,
            held_count=view.held_count,
        )

    async def GetDayOffer(self, request: pb.GetDayOfferRequest, _: Any) -> pb.GetDayOfferResponse:
        child_id = str(parse_uuid(request.child_id, "child_id"))
        view = await get_day_offer(current_context(), self._desk, child_id, required_day(request, "day"))
        return pb.GetDayOfferResponse(
            offers=[wire.to_offer(view.rules, view.child_ids, offer) for offer in view.offers], revision=view.revision
        )

    async def GetHouseholdSummary(
        self, request: pb.GetHouseholdSummaryRequest, _: Any
    ) -> pb.GetHouseholdSummaryResponse:
        ctx = current_context()
        if request.counts_only:
            summary = await get_household_counts(ctx, self._desk)
        else:
            summary = await get_household_summary(ctx, self._desk, request.days)
        week = summary.empty_week
        return pb.GetHouseholdSummaryResponse(
            revision=summary.revision,
            held_count=summary.held_count,
            hold_expires_at=wire.to_timestamp(summary.hold_expires_at),
            upcoming=[wire.to_reservation(summary.rules, summary.child_ids, row) for row in summary.upcoming],
            recently_expired_count=summary.recently_expired_count,
            empty_week_starts_on=None if week is None else wire.to_date(week.monday),
            empty_week_cutoff_at=None if week is None else wire.to_timestamp(week.limit),
        )

    async def ListReservations(self, request: pb.ListReservationsRequest, _: Any) -> pb.ListReservationsResponse:
        known = {status.value for status in Status}
        wanted = ListReservations(
            ids=wire.reservation_ids(request.ids),
            statuses=[Status(number) for number in request.statuses if number in known],
            child_ids=wire.child_ids(request.child_ids),
            first=optional_day(request, "from"),
            last=optional_day(request, "to"),
        )
        found = await list_reservations(current_context(), self._desk, wanted)
        return pb.ListReservationsResponse(
            reservations=[wire.to_reservation(found.rules, found.child_ids, row) for row in found.rows],
            revision=found.revision,
        )

    async def UpsertActivity(self, request: pb.UpsertActivityRequest, _: Any) -> pb.UpsertActivityResponse:
        ctx = current_context()
        draft = wire.activity_draft(request.activity, request.site_name)
        activity = await upsert_activity(ctx, self._towns, draft)
        rules = await list_activities(ctx, self._desk)
        ids = {each.key: each.id for each in rules.activities}
        return pb.UpsertActivityResponse(activity=wire.to_activity(activity, ids))

    async def ImportSchoolCalendar(
        self, request: pb.ImportSchoolCalendarRequest, _: Any
    ) -> pb.ImportSchoolCalendarResponse:
        imported = await import_school_calendar(
            current_context(),
            self._towns,
            self._public_holidays,
            request.calendar_json,
            request.zone,
            request.public_holiday_subdivision,
            request.school_weekdays,
        )
        return pb.ImportSchoolCalendarResponse(
            school_years=imported.school_years, closed_periods=imported.closed_periods
        )

    async def CreateClosure(self, request: pb.CreateClosureRequest, _: Any) -> pb.CreateClosureResponse:
        site_id = parse_uuid(request.site_id, "site_id") if request.site_id else None
        first, last = required_day(request, "from"), required_day(request, "to")
        closure_id = await create_closure(current_context(), self._towns, site_id, first, last, request.label)
        return pb.CreateClosureResponse(id=closure_id)

    async def OpenSessions(self, request: pb.OpenSessionsRequest, _: Any) -> pb.OpenSessionsResponse:
        opened = await open_sessions(
            current_context(),
            self._desk,
            self._towns,
            str(parse_uuid(request.activity_id, "activity_id")),
            required_day(request, "from"),
            required_day(request, "to"),
            request.capacity if request.HasField("capacity") else None,
        )
        return pb.OpenSessionsResponse(opened_count=opened)

    async def EnrolChildren(self, request: pb.EnrolChildrenRequest, _: Any) -> pb.EnrolChildrenResponse:
        enrolment = Enrolment(
            str(parse_uuid(request.household_id, "household_id")),
            wire.child_ids(request.child_ids),
            wire.activity_ids(request.activity_ids),
            required_day(request, "from"),
            required_day(request, "to"),
        )
        count = await enrol_children(current_context(), self._desk, self._towns, enrolment)
        return pb.EnrolChildrenResponse(enrolled_count=count)
