"""Open the sessions of an activity on its open days of a period, or change their capacity."""

from __future__ import annotations

from datetime import date

from preau_kernel.context import Context
from preau_kernel.errors import InvalidError, PreconditionError

from agenda_svc.application.desk import Desk, activities_of
from agenda_svc.application.ports import TownStore
from agenda_svc.application.staff import require_staff
from agenda_svc.domain.days import iso_weekday, session_key
from agenda_svc.domain.periodicity import check_period

_MAX_CAPACITY = 100_000


async def open_sessions(
    ctx: Context, desk: Desk, store: TownStore, activity_id: str, first: date, last: date, capacity: int | None
) -> int:
    """Idempotent. Days of holidays, public holidays and closures stay shut."""
    require_staff(ctx)
    start, end = check_period(first, last)
    if capacity is not None and not 0 <= capacity <= _MAX_CAPACITY:
        raise InvalidError("INVALID_CAPACITY", "capacity")
    rules = await desk.rules.reload(ctx)
    (activity,) = activities_of(rules, [activity_id])
    if activity.unknown_relations:
        raise PreconditionError("RELATION_UNKNOWN", code=activity.unknown_relations[0])
    keys = [
        session_key(day, activity.key)
        for day in range(start, end + 1)
        if iso_weekday(day) in activity.weekdays and rules.closed_label(activity, day) is None
    ]
    return await store.open_sessions(ctx, keys, capacity)
