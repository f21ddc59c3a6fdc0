"""The month of the whole household, and one reservation in detail."""

from __future__ import annotations

import asyncio
from datetime import date

from litestar import Controller, get
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.wire import date_from_wire, timestamp_from_wire
from preau_kernel.errors import NotFoundError

from gateway.auth import require_family
from gateway.citizen.calendar_view import month_weeks
from gateway.citizen.desk import Desk, Page
from gateway.citizen.names import load_names
from gateway.citizen.states import CANCELLED, LEGEND, RARE, RESERVATION_STATES
from gateway.formatting import add_months

VIEWS = ("auto", "mois", "liste")
_EARLIEST, _LATEST = 2000, 2100


def month_of(text: str, today: date) -> date:
    """« 2025-09 » as the month's first day; this month when it is not one."""
    try:
        year, month = (int(part) for part in text.split("-"))
        found = date(year, month, 1)
    except ValueError:
        return today.replace(day=1)
    return found if _EARLIEST < found.year < _LATEST else today.replace(day=1)


class AgendaController(Controller):
    """« Agenda »."""

    path = "/agenda"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @get()
    async def month(self, desk: Desk) -> Page:
        """The month, as a grid and as a list."""
        query = desk.query
        month = month_of(query.text("mois"), desk.today)
        names = await load_names(desk)
        child_id = query.text("enfant") if query.text("enfant") in names.children else ""
        view = await desk.clients.agenda.get_month_view(
            desk.token,
            pb.GetMonthViewRequest(
                year=month.year,
                month=month.month,
                child_ids=[child_id] if child_id else list(names.children),
                with_held_count=True,
            ),
        )
        weeks = month_weeks(month, view.days, names, desk.today, desk.fmt, desk.lex)
        seen = {cell.state.key for week in weeks for cell in week.days}
        shown = query.text("vue")
        return desk.page(
            "agenda/month.html",
            month=month,
            previous=add_months(month, -1),
            following=add_months(month, 1),
            weeks=weeks,
            children=list(names.children.values()),
            child_id=child_id,
            view=shown if shown in VIEWS else "auto",
            legend=[state.said(desk.lex) for state in (*LEGEND, *(each for each in RARE if each.key in seen))],
            # An agenda of the version before does not tell.
            pending_count=view.held_count if view.HasField("held_count") else await desk.pending_count(),
        )

    @get("/reservation/{reservation_id:str}")
    async def reservation(self, desk: Desk, reservation_id: str) -> Page:
        """One reservation: what, who, when, and until when it can be cancelled."""
        names, answer = await asyncio.gather(
            load_names(desk),
            desk.clients.agenda.list_reservations(desk.token, pb.ListReservationsRequest(ids=[reservation_id])),
        )
        if not answer.reservations:
            raise NotFoundError("RESERVATION_NOT_FOUND")
        found = answer.reservations[0]
        return await desk.family_page(
            "agenda/reservation.html",
            reservation=found,
            day=date_from_wire(found.day),
            state=RESERVATION_STATES.get(found.status, CANCELLED).said(desk.lex),
            child=names.child(found.child_id),
            activity=names.activity(found.activity_id),
            cutoff=timestamp_from_wire(found.cancellation_cutoff_at)
            if found.HasField("cancellation_cutoff_at")
            else None,
            held_until=timestamp_from_wire(found.hold_expires_at)
            if found.status == pb.RESERVATION_STATUS_HELD and found.HasField("hold_expires_at")
            else None,
            created_at=timestamp_from_wire(found.created_at) if found.HasField("created_at") else None,
        )
