"""Hold again what lapsed in the last 24 hours and is still free. Under new ids: what lapsed stays on record."""

from __future__ import annotations

from collections.abc import Callable

from preau_kernel.context import Context

from agenda_svc.application.apply_bulk_entry import hold_slots
from agenda_svc.application.desk import Desk, read_rows, replay, settle, sweep
from agenda_svc.application.ports import Change, CommandKey, ReservationStore
from agenda_svc.application.renew_holds import holds_query
from agenda_svc.domain.lapses import Lapse, plan_restoring, recently_lapsed

Encode = Callable[[int, int, int], bytes]


async def restore_expired_holds(ctx: Context, desk: Desk, command: CommandKey, encode: Encode) -> bytes:
    household_id = ctx.require_household()

    async def attempt(store: ReservationStore, lock: bool) -> bytes | None:
        now = desk.clock.now()
        rules, reading = await read_rows(ctx, desk, store, holds_query(household_id, now, command), lock=lock)
        known = replay(reading, command)
        if known is not None:
            return known
        offer = reading.offer
        if offer is None:
            return encode(0, 0, 0)
        if await sweep(ctx, store, household_id, offer, reading.rows, now):
            return None
        lapsed = recently_lapsed(reading.rows, now)
        plan = plan_restoring(rules, offer, lapsed, now)
        change = Change(offer.household_key, offer.revision, now, command=command)
        change.lapsed, change.lapse = lapsed, Lapse.SETTLED
        revision = offer.revision
        if plan.restored:
            slots = [row.slot for row in plan.restored]
            await hold_slots(change, desk, household_id, rules, offer, slots)
            revision += 1
        change.response = encode(len(plan.restored), len(plan.lost), revision)
        return change.response if await store.apply(ctx, change) else None

    return await settle(ctx, desk, attempt)
