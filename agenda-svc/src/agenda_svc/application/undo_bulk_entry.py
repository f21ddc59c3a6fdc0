"""Annuler cette saisie: take back what one entry created, within ten minutes and while nothing of it is paid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from preau_kernel.context import Context
from preau_kernel.errors import NotFoundError, PreconditionError

from agenda_svc.application.bulk_entry import UNDO_FOR
from agenda_svc.application.cancel_reservations import cancellation
from agenda_svc.application.desk import Desk, first_key_held, read_rows, replay, settle, sweep
from agenda_svc.application.ports import CommandKey, ReservationStore, RowsQuery
from agenda_svc.domain.cancelling import group_refusal, rows_to_undo
from agenda_svc.domain.states import LIVE, Status

Encode = Callable[[int, int], bytes]


async def undo_bulk_entry(ctx: Context, desk: Desk, command: CommandKey, entry_id: int, encode: Encode) -> bytes:
    """What was cancelled of it meanwhile is left alone; what cannot stand without it goes too."""
    household_id = ctx.require_household()

    async def attempt(store: ReservationStore, lock: bool) -> bytes | None:
        now = desk.clock.now()
        query = RowsQuery(
            household_id, live=True, closed_since=now - UNDO_FOR, first_key=first_key_held(now), command=command
        )
        rules, reading = await read_rows(ctx, desk, store, query, lock=lock)
        known = replay(reading, command)
        if known is not None:
            return known
        offer = reading.offer
        rows = [row for row in reading.rows if row.entry_id == entry_id and row.is_own]
        if offer is None or not rows:
            raise NotFoundError("ENTRY_NOT_FOUND")
        if await sweep(ctx, store, household_id, offer, reading.rows, now):
            return None
        live = [row for row in rows if row.status in LIVE]
        until = rows[0].created_at + UNDO_FOR
        # A hold renewed since is one whose payment was begun.
        ends_at = rows[0].created_at + timedelta(minutes=rules.hold_minutes)
        is_untouched = all(row.status is Status.HELD and row.hold_expires_at <= ends_at for row in live)
        if now > until or not live or not is_untouched:
            raise PreconditionError("UNDO_TOO_LATE", undo_until=until.isoformat())
        leaving = rows_to_undo(rules, live, reading.rows, now)
        if group_refusal(rules, leaving, now, rules.today(now)) is not None:
            raise PreconditionError("UNDO_TOO_LATE", undo_until=until.isoformat())
        change = cancellation(household_id, offer, leaving, now)
        change.command = command
        change.response = encode(len(leaving), offer.revision + 1)
        return change.response if await store.apply(ctx, change) else None

    return await settle(ctx, desk, attempt)
