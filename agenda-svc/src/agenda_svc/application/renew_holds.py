"""Start every hold of the household anew before an invoice is issued. Says first, and once, what lapsed meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from preau_kernel.context import Context
from preau_kernel.errors import PreconditionError

from agenda_svc.application.desk import Desk, first_key_held, read_rows, replay, settle, sweep
from agenda_svc.application.ports import Change, CommandKey, Reading, ReservationStore, RowsQuery
from agenda_svc.domain.events import HoldsRenewed
from agenda_svc.domain.lapses import REMEMBERED, Lapse, plan_restoring, recently_lapsed
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status, Trigger, move

Encode = Callable[[int, datetime | None, int], bytes]


def holds_query(household_id: str, now: datetime, command: CommandKey) -> RowsQuery:
    """All that is held or booked, and what was closed in the last 24 hours."""
    return RowsQuery(
        household_id, live=True, closed_since=now - REMEMBERED, first_key=first_key_held(now), command=command
    )


async def renew_holds(ctx: Context, desk: Desk, command: CommandKey, encode: Encode) -> bytes:
    """``PRECONDITION/HOLD_EXPIRED`` when reservations lapsed that the household was not told of.

    Having been told, it may take them back (``RestoreExpiredHolds``), or call again and pay what is left.
    """
    household_id = ctx.require_household()

    async def attempt(store: ReservationStore, lock: bool) -> bytes | None:
        now = desk.clock.now()
        rules, reading = await read_rows(ctx, desk, store, holds_query(household_id, now, command), lock=lock)
        known = replay(reading, command)
        if known is not None:
            return known
        offer = reading.offer
        if offer is None:
            return encode(0, None, 0)
        if await sweep(ctx, store, household_id, offer, reading.rows, now):
            return None
        await _tell(ctx, store, rules, reading, now)
        held = [row for row in reading.rows if row.is_own and row.status is Status.HELD]
        change = Change(offer.household_key, offer.revision, now, command=command)
        if held:
            hold = now + timedelta(minutes=rules.hold_minutes)
            change.event = HoldsRenewed(household_id, offer.revision + 1, hold)
            change.moved, change.moved_to = held, move(Status.HELD, Trigger.RENEW).target
            change.hold_expires_at = hold
            change.response = encode(len(held), hold, offer.revision + 1)
        else:
            change.response = encode(0, None, offer.revision)
        return change.response if await store.apply(ctx, change) else None

    return await settle(ctx, desk, attempt)


async def _tell(ctx: Context, store: ReservationStore, rules: TownRules, reading: Reading, now: datetime) -> None:
    """Refuse once when something lapsed; that it was told is kept, so the next call goes on."""
    lapsed = [row for row in recently_lapsed(reading.rows, now) if row.lapse == Lapse.NEW]
    offer = reading.offer
    if not lapsed or offer is None:
        return
    await store.apply(ctx, Change(offer.household_key, offer.revision, now, lapsed=lapsed, lapse=Lapse.TOLD))
    raise PreconditionError(
        "HOLD_EXPIRED",
        expired_at=max(row.hold_expires_at for row in lapsed).isoformat(),
        expired_count=str(len(lapsed)),
        free_count=str(len(plan_restoring(rules, offer, lapsed, now).restored)),
    )
