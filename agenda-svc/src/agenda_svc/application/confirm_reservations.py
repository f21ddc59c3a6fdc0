"""A paid invoice confirms its reservations, also late: what is still free is booked again, what is taken is told."""

from __future__ import annotations

from collections.abc import Sequence

from preau_kernel.context import Context
from preau_kernel.errors import ConflictError, NotFoundError

from agenda_svc.application.cancel_reservations import cancellation
from agenda_svc.application.desk import Desk, counted, read_rows
from agenda_svc.application.ports import Change, ReservationStore, RowsQuery
from agenda_svc.domain.events import ReservationsConfirmed
from agenda_svc.domain.settling import plan_settling
from agenda_svc.domain.states import Status


async def confirm_reservations(
    ctx: Context, desk: Desk, store: ReservationStore, invoice_id: str, household_id: str, ids: Sequence[int]
) -> int:
    """How many are confirmed by it.

    Runs in the transaction of the event it answers, holding the household and the sessions it may take again.
    """
    query = RowsQuery(household_id, ids=list(dict.fromkeys(ids)), with_coupled=True)
    rules, reading = await read_rows(ctx, desk, store, query, lock=True)
    offer = reading.offer
    if offer is None:
        raise NotFoundError("HOUSEHOLD_NOT_FOUND", household_id=household_id)
    own = {row.id: row for row in reading.rows if row.is_own}
    plan = plan_settling(rules, query.ids or (), own, offer.live.keys(), offer.places)
    now = desk.clock.now()
    if plan.replaced:
        # The same places under the ids that were paid for: their new holds give them up first.
        if not await store.apply(ctx, cancellation(household_id, offer, plan.replaced, now)):
            raise ConflictError
        offer.revision += 1
    # Told even when all was confirmed before: whoever asks for an invoice waits for the answer about that invoice.
    change = Change(
        offer.household_key,
        offer.revision,
        now,
        event=ReservationsConfirmed(household_id, offer.revision + 1, plan.ids, invoice_id, sorted(plan.lost)),
        moved=[*plan.confirmed, *plan.rebooked],
        moved_to=Status.CONFIRMED,
        counters=counted(plan.rebooked, 1),
    )
    if not await store.apply(ctx, change):
        raise ConflictError
    return len(change.moved)
