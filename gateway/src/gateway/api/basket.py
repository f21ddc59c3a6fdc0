"""What there is to pay."""

from __future__ import annotations

import asyncio

from litestar import Controller, get
from preau.agenda.v1.agenda_service_pb2 import GetHouseholdSummaryRequest
from preau.billing.v1.billing_service_pb2 import GetBasketRequest

from gateway.api import mapping
from gateway.api.caller import AnyRequest, caller_of
from gateway.api.contract import BEARER, PROBLEMS, PageSize, PageToken
from gateway.api.schemas import Basket
from gateway.auth import require_family


class BasketController(Controller):
    guards = (require_family,)
    security = BEARER
    tags = ("Basket",)

    @get("/basket", operation_id="getBasket", responses=PROBLEMS)
    async def basket(
        self,
        request: AnyRequest,
        page_size: PageSize = 50,
        page_token: PageToken = "",
    ) -> Basket:
        """The priced, not yet invoiced reservations, never older than the agenda: by day, then activity, then child.

        The agenda is asked for its revision each time: another of our processes, or the other guardian, may have written.
        """
        caller = caller_of(request)
        children, summary = await asyncio.gather(
            caller.directory.children(caller.town, caller.visitor),
            caller.clients.agenda.get_household_summary(caller.token, GetHouseholdSummaryRequest(counts_only=True)),
        )
        found = await caller.clients.billing.get_basket(
            caller.token,
            GetBasketRequest(min_revision=summary.revision, page_size=page_size, page_token=page_token),
        )
        return Basket(
            total=mapping.money(found.total),
            count=found.count,
            lines=[mapping.basket_line(line, children.get(line.child_id)) for line in found.lines],
            next_page_token=found.next_page_token,
            hold_expires_at=mapping.instant(found.hold_expires_at),
            revision=found.revision,
        )
