"""Give children the right to book activities over a period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from preau_kernel.context import Context
from preau_kernel.errors import InvalidError

from agenda_svc.application.desk import Desk, known_activities
from agenda_svc.application.ports import TownStore
from agenda_svc.application.staff import require_staff
from agenda_svc.domain.days import check_day, day_number


@dataclass(frozen=True, slots=True)
class Enrolment:
    household_id: str
    child_ids: Sequence[str]
    activity_ids: Sequence[str]
    first: date
    last: date


async def enrol_children(ctx: Context, desk: Desk, store: TownStore, enrolment: Enrolment) -> int:
    """Idempotent. A household whose file has not reached the agenda yet is made known by its enrolment."""
    require_staff(ctx)
    if not enrolment.child_ids:
        raise InvalidError("NO_CHILD", "child_ids")
    if not enrolment.activity_ids:
        raise InvalidError("NO_ACTIVITY", "activity_ids")
    first, last = check_day(enrolment.first, "from"), check_day(enrolment.last, "to")
    if last < first:
        raise InvalidError("PERIOD_REVERSED", "to", "the period ends before it starts")
    keys = [activity.key for activity in await known_activities(ctx, desk, enrolment.activity_ids)]
    return await store.enrol(
        ctx, enrolment.household_id, enrolment.child_ids, keys, (day_number(first), day_number(last))
    )
