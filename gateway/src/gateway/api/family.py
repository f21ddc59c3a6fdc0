"""Who and what can be booked: the household, the activities, the month."""

from __future__ import annotations

import re
from typing import Annotated

from litestar import Controller, get
from litestar.params import QueryParameter
from preau.agenda.v1.agenda_service_pb2 import GetMonthViewRequest
from preau_kernel.errors import InvalidError

from gateway.api import mapping
from gateway.api.caller import AnyRequest, caller_of
from gateway.api.contract import BEARER, PROBLEMS
from gateway.api.schemas import Activities, Agenda, Household
from gateway.auth import require_family

_MONTH = re.compile(r"((?:19|20|21)[0-9]{2})-(0[1-9]|1[0-2])")
# The pattern is told, not left to the decoder: its own words for a wrong month would be those of a programmer.
Month = Annotated[
    str,
    QueryParameter(
        name="month",
        required=True,
        max_length=100,
        description="Year and month, as 2025-09",
        schema_extra={"pattern": f"^{_MONTH.pattern}$"},
    ),
]


class FamilyController(Controller):
    guards = (require_family,)
    security = BEARER
    tags = ("Family",)

    @get("/household", operation_id="getHousehold", responses=PROBLEMS)
    async def household(self, request: AnyRequest) -> Household:
        """The caller's household."""
        caller = caller_of(request)
        return mapping.household(await caller.directory.household(caller.town, caller.visitor))

    @get("/activities", operation_id="listActivities", responses=PROBLEMS)
    async def activities(self, request: AnyRequest) -> Activities:
        """The town's activities, in the order pages show them."""
        caller = caller_of(request)
        catalogue = await caller.directory.catalogue(caller.town, caller.visitor)
        return Activities([mapping.activity(each) for each in catalogue.activities])

    @get("/agenda", operation_id="getAgenda", responses=PROBLEMS)
    async def agenda(self, request: AnyRequest, month: Month = "") -> Agenda:
        """One month: what each day is for each child, and what is reserved."""
        caller = caller_of(request)
        match = _MONTH.fullmatch(month)
        if match is None:
            raise InvalidError("INVALID_MONTH", "month")
        view = await caller.clients.agenda.get_month_view(
            caller.token, GetMonthViewRequest(year=int(match[1]), month=int(match[2]))
        )
        return Agenda(month, [mapping.agenda_day(each) for each in view.days], view.revision)
