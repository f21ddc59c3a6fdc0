"""Close a site, or every site, on some days. What is booked stays booked: staff decide on each."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from preau_kernel.context import Context
from preau_kernel.errors import InvalidError

from agenda_svc.application.ports import TownStore
from agenda_svc.application.staff import require_staff
from agenda_svc.domain.calendar import Closure
from agenda_svc.domain.periodicity import check_period

_MAX_LABEL = 120


async def create_closure(
    ctx: Context, store: TownStore, site_id: UUID | None, first: date, last: date, label: str
) -> str:
    require_staff(ctx)
    text = label.strip()
    if not 0 < len(text) <= _MAX_LABEL:
        raise InvalidError("INVALID_LABEL", "label", "parents are shown why the site is closed")
    start, end = check_period(first, last)
    return await store.add_closure(ctx, site_id, Closure(start, end, text))
