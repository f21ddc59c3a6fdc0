"""« Réservations à payer »."""

from __future__ import annotations

import asyncio
from math import ceil

from litestar import Controller, get, post
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as pb
from preau_chassis.wire import money_from_wire, timestamp_from_wire
from preau_kernel.money import Money

from gateway.auth import require_family
from gateway.citizen.basket_view import LENGTHS, BasketFilter, address, pager, row_of
from gateway.citizen.desk import Desk, Page
from gateway.citizen.dues import unpaid_invoices
from gateway.citizen.names import load_names
from gateway.citizen.states import HELD
from gateway.forms import read_form
from gateway.idempotency import request_id_of
from gateway.notices import Notice
from gateway.revision import known_revision, remember_revision


class BasketController(Controller):
    """The pending list."""

    path = "/paiement"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @get()
    async def show(self, desk: Desk) -> Page:
        """One page of the list, the amount of the whole."""
        query = desk.query
        length = query.number("par", LENGTHS[0])
        length = length if length in LENGTHS else LENGTHS[0]
        chosen = BasketFilter.of(query)
        number = max(1, query.number("page", 1))
        names, summary, basket = await asyncio.gather(
            load_names(desk),
            desk.clients.agenda.get_household_summary(desk.token, agenda.GetHouseholdSummaryRequest(counts_only=True)),
            self._basket(desk, length, number, chosen),
        )
        last = max(1, ceil(basket.filtered_count / length))
        if number > last:
            number = last
            basket = await self._basket(desk, length, number, chosen)
        crosses: set[str] = set()
        if basket.lines:
            answer = await desk.clients.agenda.list_reservations(
                desk.token, agenda.ListReservationsRequest(ids=[line.reservation_id for line in basket.lines])
            )
            crosses = {item.id for item in answer.reservations if item.can_cancel_alone}
        all_ticked = query.text("tout") == "1"
        keep = [("par", str(length)), *chosen.pairs()]
        kept_choice = [*keep, *([("tout", "1")] if all_ticked else [])]
        total = money_from_wire(basket.total) if basket.total.currency_code else Money.zero()
        return desk.page(
            "basket/list.html",
            total=total,
            count=basket.count,
            filtered_count=basket.filtered_count,
            first=(number - 1) * length + 1 if basket.filtered_count else 0,
            last=min(number * length, basket.filtered_count),
            rows=[row_of(line, names, crosses, set(), all_ticked=all_ticked) for line in basket.lines],
            state=HELD.said(desk.lex),
            held_until=timestamp_from_wire(basket.hold_expires_at) if basket.HasField("hold_expires_at") else None,
            lengths=LENGTHS,
            length=length,
            chosen=chosen,
            errors=chosen.errors(desk.lex),
            children=list(names.children.values()),
            activities=list(names.activities.values()),
            all_ticked=all_ticked,
            links=pager(number, last, kept_choice, desk),
            keep=keep,
            here=address("/paiement", keep, [("page", str(number))]),
            expired_count=summary.recently_expired_count,
            invoices=await unpaid_invoices(desk, summary.held_count, basket.count),
            pending_count=summary.held_count,
        )

    async def _basket(self, desk: Desk, length: int, number: int, chosen: BasketFilter) -> pb.GetBasketResponse:
        return await desk.clients.billing.get_basket(
            desk.token,
            pb.GetBasketRequest(
                min_revision=known_revision(desk.request, desk.visitor),
                page_size=length,
                page_number=number,
                **chosen.fields(),
            ),
        )

    @post("/reprise")
    async def restore(self, desk: Desk) -> Page:
        """Take again what lapsed and is still free."""
        form = await read_form(desk.request)
        answer = await desk.clients.agenda.restore_expired_holds(
            desk.token,
            agenda.RestoreExpiredHoldsRequest(request_id=request_id_of(desk.request, desk.visitor, form)),
        )
        text = desk.lex.count("%(num)s réservation reprise.", "%(num)s réservations reprises.", answer.restored_count)
        if answer.lost_count:
            text += " " + desk.lex.count(
                "%(num)s place n'était plus libre.", "%(num)s places n'étaient plus libres.", answer.lost_count
            )
        response = desk.go("/paiement", Notice("warning" if answer.lost_count else "success", text))
        remember_revision(response, desk.request, desk.visitor, answer.revision)
        return response
