"""Reservations one by one."""

from __future__ import annotations

from litestar import Controller, delete, get, post
from litestar.params import JSONBody
from preau.agenda.v1.agenda_service_pb2 import (
    CancelReservationsRequest,
    CreateReservationsRequest,
    ListReservationsRequest,
)
from preau_kernel.errors import DomainError, NotFoundError

from gateway.api import mapping
from gateway.api.caller import AnyRequest, add_names, caller_of
from gateway.api.contract import BEARER, PROBLEMS, IdempotencyKey, known_id
from gateway.api.schemas import CancelledReservations, NewReservations, Reservation, ReservationIds, Reservations
from gateway.auth import require_family


class ReservationsController(Controller):
    path = "/reservations"
    guards = (require_family,)
    security = BEARER
    tags = ("Reservations",)

    @post(operation_id="createReservations", responses=PROBLEMS)
    async def create(
        self,
        request: AnyRequest,
        data: JSONBody[NewReservations],
        idempotency_key: IdempotencyKey = "",
    ) -> Reservations:
        """Book activities of one child on one day: all of them or none."""
        caller = caller_of(request)
        wanted = CreateReservationsRequest(
            request_id=caller.request_id(idempotency_key),
            child_id=data.child_id,
            day=mapping.wire_day(data.day),
            activity_ids=data.activity_ids,
        )
        try:
            made = await caller.clients.agenda.create_reservations(caller.token, wanted)
        except DomainError as error:
            await add_names(error, caller)
            raise
        return Reservations([mapping.reservation(each) for each in made.reservations], made.revision)

    @delete(operation_id="cancelReservations", responses=PROBLEMS, status_code=200)
    async def cancel(
        self,
        request: AnyRequest,
        data: JSONBody[ReservationIds],
        idempotency_key: IdempotencyKey = "",
    ) -> CancelledReservations:
        """Cancel reservations and those that cannot stand without them. All or none."""
        caller = caller_of(request)
        wanted = CancelReservationsRequest(
            request_id=caller.request_id(idempotency_key, "DELETE "), ids=list(dict.fromkeys(data.ids))
        )
        try:
            gone = await caller.clients.agenda.cancel_reservations(caller.token, wanted)
        except DomainError as error:
            await add_names(error, caller)
            raise
        return CancelledReservations(list(gone.ids), len(gone.ids), gone.revision)

    @get("/{reservation_id:str}", operation_id="getReservation", responses=PROBLEMS)
    async def one(self, request: AnyRequest, reservation_id: str) -> Reservation:
        """One reservation of the household."""
        caller = caller_of(request)
        found = await caller.clients.agenda.list_reservations(
            caller.token, ListReservationsRequest(ids=[known_id(reservation_id)])
        )
        if not found.reservations:
            raise NotFoundError("RESERVATION_NOT_FOUND")
        return mapping.reservation(found.reservations[0])
