"""Cancel reservations and those that cannot stand without them: all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from preau_kernel.context import Context
from preau_kernel.errors import InvalidError, NotFoundError, PreconditionError

from agenda_svc.application.desk import Desk, counted, read_rows, replay, settle, sweep
from agenda_svc.application.ports import Change, CommandKey, Reading, ReservationStore, RowsQuery
from agenda_svc.domain.cancelling import CancellingPlan, plan_cancelling
from agenda_svc.domain.days import activity_in, day_in, day_of
from agenda_svc.domain.events import ReservationsCancelled
from agenda_svc.domain.offer import Offer, Row
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import LIVE, Status

MAX_IDS = 2_000

Encode = Callable[[Sequence[int], int], bytes]


async def cancel_reservations(
    ctx: Context, desk: Desk, command: CommandKey, ids: Sequence[int], encode: Encode
) -> bytes:
    household_id = ctx.require_household()
    wanted = check_ids(ids)

    async def attempt(store: ReservationStore, lock: bool) -> bytes | None:
        query = RowsQuery(household_id, ids=wanted, with_coupled=True, command=command)
        rules, reading = await read_rows(ctx, desk, store, query, lock=lock)
        known = replay(reading, command)
        if known is not None:
            return known
        rows = found_rows(reading, wanted)
        offer = reading.offer
        assert offer is not None  # noqa: S101 - no row is found otherwise
        now = desk.clock.now()
        if await sweep(ctx, store, household_id, offer, reading.rows, now):
            return None
        plan = plan_cancelling(rules, rows, reading.rows, now)
        _refuse(rules, offer, plan)
        change = cancellation(household_id, offer, plan.removed, now)
        change.command = command
        change.response = encode([row.id for row in plan.removed], offer.revision + 1)
        return change.response if await store.apply(ctx, change) else None

    return await settle(ctx, desk, attempt)


def check_ids(ids: Sequence[int]) -> list[int]:
    """Each once; ``INVALID`` when there are none or more than 2,000."""
    wanted = list(dict.fromkeys(ids))
    if not wanted:
        raise InvalidError("NO_RESERVATION", "ids")
    if len(wanted) > MAX_IDS:
        raise InvalidError("TOO_MANY_IDS", "ids", max_count=str(MAX_IDS))
    return wanted


def found_rows(reading: Reading, wanted: Sequence[int]) -> list[Row]:
    """The household's own rows with these ids, or ``NOT_FOUND/RESERVATION_NOT_FOUND``."""
    by_id = {row.id: row for row in reading.rows if row.is_own}
    for reservation_id in wanted:
        if reservation_id not in by_id:
            raise NotFoundError("RESERVATION_NOT_FOUND", reservation_id=str(reservation_id))
    return [by_id[reservation_id] for reservation_id in wanted]


def cancellation(household_id: str, offer: Offer, rows: Sequence[Row], now: datetime) -> Change:
    """The change that cancels live rows."""
    assert all(row.status in LIVE for row in rows)  # noqa: S101 - the plan takes live rows only
    return Change(
        offer.household_key,
        offer.revision,
        now,
        event=ReservationsCancelled(household_id, offer.revision + 1, [row.id for row in rows]),
        moved=rows,
        moved_to=Status.CANCELLED,
        counters=counted(rows, -1),
    )


def _refuse(rules: TownRules, offer: Offer, plan: CancellingPlan) -> None:
    for (child_key, key), refusal in plan.skipped:
        activity = rules.by_key.get(activity_in(key))
        raise PreconditionError(
            refusal.reason.value,
            child_id=offer.child_ids.get(child_key, ""),
            activity_id=activity.id if activity else "",
            day=day_of(day_in(key)).isoformat(),
            **refusal.facts(),
        )
