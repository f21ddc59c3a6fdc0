"""What a bulk entry would do now, row by row. Books nothing."""

from __future__ import annotations

from collections.abc import Callable

from preau_kernel.context import Context

from agenda_svc.application.bulk_entry import Action, BulkEntry, BulkOutcome
from agenda_svc.application.desk import (
    Desk,
    child_keys_of,
    known_activities,
    read_offer,
    replay,
    settle,
    without_lapsed,
)
from agenda_svc.application.ports import Change, CommandKey, Reading, ReservationStore
from agenda_svc.domain.booking import plan_booking
from agenda_svc.domain.cancelling import plan_bulk_cancelling
from agenda_svc.domain.rules import TownRules

Encode = Callable[[BulkOutcome], bytes]


async def preview_bulk_entry(ctx: Context, desk: Desk, entry: BulkEntry) -> BulkOutcome:
    """The same decision as applying it, on the offer of this moment."""
    household_id = ctx.require_household()
    await known_activities(ctx, desk, entry.activity_ids)
    rules, reading = await read_offer(ctx, desk, desk.store, lambda known: entry.query(known, household_id))
    return _outcome(desk, entry, rules, reading)


async def preview_bulk_entry_once(
    ctx: Context, desk: Desk, command: CommandKey, entry: BulkEntry, encode: Encode
) -> bytes:
    """As ``preview_bulk_entry``, with the answer kept: the same command is given it again, whatever the places became."""
    household_id = ctx.require_household()
    await known_activities(ctx, desk, entry.activity_ids)

    async def attempt(store: ReservationStore, lock: bool) -> bytes | None:
        rules, reading = await read_offer(
            ctx, desk, store, lambda known: entry.query(known, household_id, command), lock=lock
        )
        known = replay(reading, command)
        if known is not None:
            return known
        outcome = _outcome(desk, entry, rules, reading)
        offer = reading.offer
        assert offer is not None  # noqa: S101 - no child is found otherwise
        change = Change(offer.household_key, offer.revision, desk.clock.now(), command=command)
        change.response = encode(outcome)
        return change.response if await store.apply(ctx, change) else None

    return await settle(ctx, desk, attempt)


def _outcome(desk: Desk, entry: BulkEntry, rules: TownRules, reading: Reading) -> BulkOutcome:
    child_keys = child_keys_of(reading.offer, entry.child_ids)
    assert reading.offer is not None  # noqa: S101 - no child is found otherwise
    now = desk.clock.now()
    offer = without_lapsed(reading.offer, now)
    outcome = BulkOutcome(rules, dict(offer.child_ids), offer.revision)
    wish = entry.wish(rules, child_keys)
    if entry.action is Action.CREATE:
        plan = plan_booking(rules, offer, wish, now)
        outcome.created, outcome.skipped, outcome.missing_required = plan.created, plan.skipped, plan.missing_required
    else:
        leaving = plan_bulk_cancelling(rules, offer, wish, now)
        outcome.removed, outcome.skipped = leaving.removed, leaving.skipped
    return outcome
