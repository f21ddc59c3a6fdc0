"""The town's home: signing in, or what needs doing now."""

from __future__ import annotations

import asyncio
from datetime import date
from itertools import groupby

from litestar import Controller, get
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau_chassis.wire import date_from_wire, money_from_wire, timestamp_from_wire

from gateway.citizen.calendar_view import chips_of
from gateway.citizen.desk import Desk, Page
from gateway.citizen.dues import unpaid_invoices
from gateway.citizen.names import load_names
from gateway.revision import known_revision
from gateway.words import sentence_for

_DAYS = 7


class HomeController(Controller):
    """``/``."""

    @get("/")
    async def home(self, desk: Desk) -> Page:
        """Signed out: the town and the way in. Signed in: what needs the family now."""
        news = [part.strip() for part in desk.town.news.replace("\r", "").split("\n\n") if part.strip()]
        if not desk.visitor.household_id:
            sentence = sentence_for("NO_HOUSEHOLD", {}, desk.town, desk.lex.language)
            return desk.page(
                "home/welcome.html", news=news, sentence=sentence, errors={}, username="", next="", kept=[]
            )
        names, summary = await asyncio.gather(
            load_names(desk),
            desk.clients.agenda.get_household_summary(desk.token, agenda.GetHouseholdSummaryRequest(days=_DAYS)),
        )
        basket = await self._basket(desk, summary)
        to_pay = basket.count if basket else 0
        total = money_from_wire(basket.total) if basket and basket.total.currency_code else None
        empty_week = date_from_wire(summary.empty_week_starts_on) if summary.HasField("empty_week_starts_on") else None
        return desk.page(
            "home/today.html",
            news=news,
            pending_count=summary.held_count,
            invoices=await unpaid_invoices(desk, summary.held_count, to_pay),
            to_pay=to_pay,
            total=total,
            held_until=timestamp_from_wire(basket.hold_expires_at)
            if basket and basket.HasField("hold_expires_at")
            else None,
            expired_count=summary.recently_expired_count,
            empty_week=empty_week,
            empty_week_cutoff=timestamp_from_wire(summary.empty_week_cutoff_at)
            if summary.HasField("empty_week_cutoff_at")
            else None,
            days=[
                (day, [chip for child, rows in children for chip in chips_of(child, rows, names, desk.lex)])
                for day, children in _by_day_and_child(summary)
            ],
        )

    async def _basket(
        self, desk: Desk, summary: agenda.GetHouseholdSummaryResponse
    ) -> billing.GetBasketResponse | None:
        if not summary.held_count:
            return None
        return await desk.clients.billing.get_basket(
            desk.token,
            billing.GetBasketRequest(min_revision=known_revision(desk.request, desk.visitor), page_size=1),
        )


def _by_day_and_child(
    summary: agenda.GetHouseholdSummaryResponse,
) -> list[tuple[date, list[tuple[str, list[agenda.Reservation]]]]]:
    ordered = sorted(summary.upcoming, key=lambda item: (date_from_wire(item.day), item.child_id))
    return [
        (day, [(child, list(rows)) for child, rows in groupby(items, key=lambda item: item.child_id)])
        for day, items in groupby(ordered, key=lambda item: date_from_wire(item.day))
    ]
