"""What cancelling would take away with the given reservations, and what it would refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from preau_kernel.context import Context

from agenda_svc.application.cancel_reservations import check_ids, found_rows
from agenda_svc.application.desk import Desk, read_rows
from agenda_svc.application.ports import RowsQuery
from agenda_svc.domain.cancelling import plan_cancelling
from agenda_svc.domain.refusals import Refusal
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.views import RowView, view_rows


@dataclass(frozen=True, slots=True)
class CancelPreview:
    rules: TownRules
    child_ids: dict[int, str]
    rows: Sequence[RowView]
    coupled_ids: Sequence[int]
    refusals: Sequence[tuple[int, Refusal]]


async def preview_cancel_reservations(ctx: Context, desk: Desk, ids: Sequence[int]) -> CancelPreview:
    household_id = ctx.require_household()
    wanted = check_ids(ids)
    rules, reading = await read_rows(ctx, desk, desk.store, RowsQuery(household_id, ids=wanted, with_coupled=True))
    rows = found_rows(reading, wanted)
    assert reading.offer is not None  # noqa: S101 - no row is found otherwise
    now = desk.clock.now()
    plan = plan_cancelling(rules, rows, reading.rows, now)
    by_slot = {row.slot: row.id for row in rows}
    asked = set(wanted)
    return CancelPreview(
        rules,
        dict(reading.offer.child_ids),
        view_rows(rules, plan.removed, reading.rows, now),
        [row.id for row in plan.removed if row.id not in asked],
        [(by_slot[slot], refusal) for slot, refusal in plan.skipped],
    )
