"""Saisie groupée: create or delete over a period, in one transaction; what cannot be is skipped with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from preau_kernel.context import Context

from agenda_svc.application.bulk_entry import UNDO_FOR, Action, BulkEntry, BulkOutcome
from agenda_svc.application.desk import (
    Desk,
    child_keys_of,
    counted,
    known_activities,
    read_offer,
    replay,
    settle,
    sweep,
)
from agenda_svc.application.ports import Change, CommandKey, ReservationStore
from agenda_svc.domain.booking import Wish, plan_booking
from agenda_svc.domain.cancelling import plan_bulk_cancelling
from agenda_svc.domain.days import activity_in, day_in, session_key
from agenda_svc.domain.events import ReservationsCancelled, ReservationsHeld
from agenda_svc.domain.offer import Offer, Slot
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status

Encode = Callable[[BulkOutcome], bytes]


async def apply_bulk_entry(ctx: Context, desk: Desk, command: CommandKey, entry: BulkEntry, encode: Encode) -> bytes:
    """Two round trips when nobody is in the way: one reads the offer, one writes what was decided on it."""
    household_id = ctx.require_household()
    await known_activities(ctx, desk, entry.activity_ids)

    async def attempt(store: ReservationStore, lock: bool) -> bytes | None:
        rules, reading = await read_offer(
            ctx, desk, store, lambda known: entry.query(known, household_id, command), lock=lock
        )
        known = replay(reading, command)
        if known is not None:
            return known
        child_keys = child_keys_of(reading.offer, entry.child_ids)
        offer = reading.offer
        assert offer is not None  # noqa: S101 - no child is found otherwise
        now = desk.clock.now()
        if await sweep(ctx, store, household_id, offer, offer.live.values(), now):
            return None
        wish = entry.wish(rules, child_keys)
        if entry.action is Action.CREATE:
            change, outcome = await _creation(desk, household_id, rules, offer, wish, now)
        else:
            change, outcome = _deletion(household_id, rules, offer, wish, now)
        change.command = command
        change.response = encode(outcome)
        return change.response if await store.apply(ctx, change) else None

    return await settle(ctx, desk, attempt)


async def _creation(
    desk: Desk, household_id: str, rules: TownRules, offer: Offer, wish: Wish, now: datetime
) -> tuple[Change, BulkOutcome]:
    plan = plan_booking(rules, offer, wish, now)
    change = Change(offer.household_key, offer.revision, now)
    outcome = BulkOutcome(
        rules, dict(offer.child_ids), offer.revision, skipped=plan.skipped, missing_required=plan.missing_required
    )
    if plan.created:
        hold = await hold_slots(change, desk, household_id, rules, offer, plan.created)
        outcome.created = plan.created
        outcome.revision += 1
        outcome.entry_id = change.entry_id
        outcome.hold_expires_at = hold
        outcome.undo_until = min(now + UNDO_FOR, hold)
    return change, outcome


async def hold_slots(
    change: Change, desk: Desk, household_id: str, rules: TownRules, offer: Offer, slots: list[Slot]
) -> datetime:
    """Make ``change`` hold ``slots`` under new ids, as one entry; until when."""
    hold = _held_until(rules, offer, slots, change.now)
    ids = await desk.ids.take(len(slots) + 1)
    change.entry_id = ids[0]
    change.new_ids = ids[1:]
    change.new_slots = slots
    change.hold_expires_at = hold
    keys = [key for _, key in slots]
    change.counters = Counter(keys)
    children = dict.fromkeys([child for child, _ in slots])
    activities = dict.fromkeys(map(activity_in, keys))
    change.event = ReservationsHeld(
        household_id,
        offer.revision + 1,
        change.new_ids,
        slots,
        [(child, offer.child_ids[child]) for child in children],
        [(key, rules.by_key[key].id) for key in activities],
        hold,
    )
    return hold


def _held_until(rules: TownRules, offer: Offer, slots: list[Slot], now: datetime) -> datetime:
    """The town's time, or less: nothing is held longer than what it requires, without which it cannot stand."""
    until = now + timedelta(minutes=rules.hold_minutes)
    if not offer.live:
        return until
    for child_key, key in slots:
        for other in rules.by_key[activity_in(key)].requires:
            row = offer.live.get((child_key, session_key(day_in(key), other)))
            if row is not None and row.status is Status.HELD:
                until = min(until, row.hold_expires_at)
    return until


def _deletion(
    household_id: str, rules: TownRules, offer: Offer, wish: Wish, now: datetime
) -> tuple[Change, BulkOutcome]:
    plan = plan_bulk_cancelling(rules, offer, wish, now)
    change = Change(offer.household_key, offer.revision, now)
    outcome = BulkOutcome(rules, dict(offer.child_ids), offer.revision, removed=plan.removed, skipped=plan.skipped)
    if plan.removed:
        outcome.revision += 1
        change.event = ReservationsCancelled(household_id, outcome.revision, [row.id for row in plan.removed])
        change.moved = plan.removed
        change.moved_to = Status.CANCELLED
        change.counters = counted(plan.removed, -1)
    return change, outcome
