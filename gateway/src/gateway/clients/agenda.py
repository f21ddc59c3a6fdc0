"""Calls on agenda: what can be booked, and what is booked. Each raises ``DomainError``."""

from __future__ import annotations

import grpc.aio
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.agenda.v1.agenda_service_pb2_grpc import AgendaServiceStub
from preau_chassis.client import call

from gateway.clients.deadlines import READ, WRITE


class AgendaClient:
    """Agenda, as the gateway uses it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = AgendaServiceStub(channel)

    async def list_activities(self, token: str, request: pb.ListActivitiesRequest) -> pb.ListActivitiesResponse:
        return await call(self._stub.ListActivities, request, timeout=READ, token=token)

    async def get_month_view(self, token: str, request: pb.GetMonthViewRequest) -> pb.GetMonthViewResponse:
        return await call(self._stub.GetMonthView, request, timeout=READ, token=token)

    async def get_day_offer(self, token: str, request: pb.GetDayOfferRequest) -> pb.GetDayOfferResponse:
        return await call(self._stub.GetDayOffer, request, timeout=READ, token=token)

    async def get_household_summary(
        self, token: str, request: pb.GetHouseholdSummaryRequest
    ) -> pb.GetHouseholdSummaryResponse:
        return await call(self._stub.GetHouseholdSummary, request, timeout=READ, token=token)

    async def list_reservations(self, token: str, request: pb.ListReservationsRequest) -> pb.ListReservationsResponse:
        return await call(self._stub.ListReservations, request, timeout=READ, token=token)

    async def create_reservations(
        self, token: str, request: pb.CreateReservationsRequest
    ) -> pb.CreateReservationsResponse:
        return await call(self._stub.CreateReservations, request, timeout=WRITE, token=token)

    async def preview_cancel_reservations(
        self, token: str, request: pb.PreviewCancelReservationsRequest
    ) -> pb.PreviewCancelReservationsResponse:
        return await call(self._stub.PreviewCancelReservations, request, timeout=READ, token=token)

    async def cancel_reservations(
        self, token: str, request: pb.CancelReservationsRequest
    ) -> pb.CancelReservationsResponse:
        return await call(self._stub.CancelReservations, request, timeout=WRITE, token=token)

    async def preview_bulk_entry(self, token: str, request: pb.PreviewBulkEntryRequest) -> pb.PreviewBulkEntryResponse:
        return await call(self._stub.PreviewBulkEntry, request, timeout=WRITE, token=token)

    async def apply_bulk_entry(self, token: str, request: pb.ApplyBulkEntryRequest) -> pb.ApplyBulkEntryResponse:
        return await call(self._stub.ApplyBulkEntry, request, timeout=WRITE, token=token)

    async def undo_bulk_entry(self, token: str, request: pb.UndoBulkEntryRequest) -> pb.UndoBulkEntryResponse:
        return await call(self._stub.UndoBulkEntry, request, timeout=WRITE, token=token)

    async def renew_holds(self, token: str, request: pb.RenewHoldsRequest) -> pb.RenewHoldsResponse:
        return await call(self._stub.RenewHolds, request, timeout=WRITE, token=token)

    async def restore_expired_holds(
        self, token: str, request: pb.RestoreExpiredHoldsRequest
    ) -> pb.RestoreExpiredHoldsResponse:
        return await call(self._stub.RestoreExpiredHolds, request, timeout=WRITE, token=token)
