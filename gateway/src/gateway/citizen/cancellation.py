"""Giving reservations up: what goes with them is said first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from litestar import Controller, post
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.wire import date_from_wire
from preau_kernel.errors import DomainError, ErrorKind

from gateway.auth import require_family
from gateway.citizen.basket_view import BasketFilter, every_reservation_id
from gateway.citizen.desk import Desk, Page
from gateway.citizen.names import Names, load_names
from gateway.citizen.refusals import refusal_of_error, refusal_sentence
from gateway.forms import Form, read_form
from gateway.idempotency import request_id_of
from gateway.notices import Notice
from gateway.resume import is_inside
from gateway.revision import remember_revision

_WAYS_BACK = ("/paiement", "/agenda")


@dataclass(frozen=True, slots=True)
class Gone:
    """Reservations of one child on one day that would go."""

    day: date
    child: str
    activities: tuple[tuple[str, bool], ...]
    """Name, and whether it goes only because of another."""


class CancellationController(Controller):
    """« Supprimer les réservations sélectionnées », the crosses, and « Annuler cette réservation »."""

    path = "/reservations/suppression"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @post()
    async def cancel(self, desk: Desk) -> Page:
        """Ask when more than one row goes, then cancel all or none."""
        form = await read_form(desk.request)
        back = form.text("retour")
        if not (back.startswith(_WAYS_BACK) and is_inside(back)):
            back = "/paiement"
        asked = await _asked(desk, form)
        if not asked:
            return desk.go(back, Notice("warning", desk.lex.say("Aucune réservation n'était cochée.")))
        if not form.has("confirme"):
            names, preview = await asyncio.gather(
                load_names(desk),
                desk.clients.agenda.preview_cancel_reservations(
                    desk.token, pb.PreviewCancelReservationsRequest(ids=asked)
                ),
            )
            if preview.coupled_ids or preview.refusals or len(asked) > 1 or _has_paid(preview.reservations):
                return await _confirm(desk, names, preview, asked, back)
        try:
            answer = await desk.clients.agenda.cancel_reservations(
                desk.token,
                pb.CancelReservationsRequest(request_id=request_id_of(desk.request, desk.visitor, form), ids=asked),
            )
        except DomainError as error:
            if error.kind not in {ErrorKind.PRECONDITION, ErrorKind.CONFLICT, ErrorKind.NOT_FOUND}:
                raise
            sentence = refusal_of_error(error, desk, await load_names(desk), None)
            return desk.go(back, Notice("error", sentence))
        said = desk.lex.count("%(num)s réservation supprimée.", "%(num)s réservations supprimées.", len(answer.ids))
        response = desk.go(back, Notice("success", said))
        remember_revision(response, desk.request, desk.visitor, answer.revision)
        return response


async def _asked(desk: Desk, form: Form) -> list[str]:
    if one := form.text("une"):
        return [one]
    ticked = form.list("ids")
    if form.text("tout") != "1":
        return ticked
    shown = set(form.list("affichees"))
    everything = await every_reservation_id(desk, BasketFilter.of(form))
    return [item for item in everything if item not in shown or item in ticked]


def _has_paid(reservations: Iterable[pb.Reservation]) -> bool:
    return any(item.status == pb.RESERVATION_STATUS_CONFIRMED for item in reservations)


async def _confirm(
    desk: Desk, names: Names, preview: pb.PreviewCancelReservationsResponse, asked: list[str], back: str
) -> Page:
    coupled = set(preview.coupled_ids)
    refused = {item.reservation_id for item in preview.refusals}
    by_id = {item.id: item for item in preview.reservations}
    going = sorted(
        (item for item in preview.reservations if item.id not in refused),
        key=lambda item: (
            date_from_wire(item.day),
            names.rank_of_child(item.child_id),
            names.position(item.activity_id),
        ),
    )
    gone = [
        Gone(
            day,
            names.child(child_id),
            tuple((names.short(item.activity_id), item.id in coupled) for item in items),
        )
        for (day, child_id), items in groupby(going, key=lambda item: (date_from_wire(item.day), item.child_id))
    ]
    kept = [
        refusal_sentence(
            item.refusal,
            desk,
            names,
            date_from_wire(by_id[item.reservation_id].day) if item.reservation_id in by_id else desk.today,
            by_id[item.reservation_id].activity_id if item.reservation_id in by_id else "",
        )
        for item in preview.refusals
    ]
    return await desk.family_page(
        "basket/confirm_delete.html",
        gone=gone,
        count=len(going),
        coupled_count=len([item for item in going if item.id in coupled]),
        has_paid=_has_paid(going),
        kept=list(dict.fromkeys(kept)),
        ids=[item for item in asked if item not in refused],
        back=back,
    )
