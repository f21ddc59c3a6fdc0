"""Book activities of one child on one day: all of them or none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from preau_kernel.context import Context
from preau_kernel.errors import InvalidError, PreconditionError

from agenda_svc.application.apply_bulk_entry import hold_slots
from agenda_svc.application.desk import (
    Desk,
    activities_of,
    child_keys_of,
    known_activities,
    read_offer,
    replay,
    settle,
    sweep,
)
from agenda_svc.application.ports import Change, CommandKey, OfferQuery, ReservationStore
from agenda_svc.domain.booking import BookingPlan, Wish, plan_booking
from agenda_svc.domain.coupling import brought_by
from agenda_svc.domain.days import activity_in, check_day, day_number, keys_between, session_key
from agenda_svc.domain.offer import Row
from agenda_svc.domain.refusals import Reason
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status
from agenda_svc.domain.views import RowView, view_rows


@dataclass(frozen=True, slots=True)
class CreateReservations:
    child_id: str
    day: date
    activity_ids: Sequence[str]

    def __post_init__(self) -> None:
        check_day(self.day, "day")
        if not self.activity_ids:
            raise InvalidError("NO_ACTIVITY", "activity_ids")


@dataclass(frozen=True, slots=True)
class Created:
    rules: TownRules
    child_ids: dict[int, str]
    rows: Sequence[RowView]
    revision: int


async def create_reservations(
    ctx: Context, desk: Desk, command: CommandKey, wanted: CreateReservations, encode: Callable[[Created], bytes]
) -> bytes:
    """What an activity brings is booked too. The first refusal is the answer when there is one."""
    household_id = ctx.require_household()
    day = day_number(wanted.day)
    await known_activities(ctx, desk, wanted.activity_ids)

    def query(rules: TownRules) -> OfferQuery:
        chosen = {activity.key for activity in activities_of(rules, wanted.activity_ids)}
        keys = [session_key(day, key) for key in sorted(chosen.union(brought_by(rules, chosen)))]
        return OfferQuery(household_id, *keys_between(day, day), [wanted.child_id], keys, command)

    async def attempt(store: ReservationStore, lock: bool) -> bytes | None:
        rules, reading = await read_offer(ctx, desk, store, query, lock=lock)
        known = replay(reading, command)
        if known is not None:
            return known
        child_keys = child_keys_of(reading.offer, [wanted.child_id])
        offer = reading.offer
        assert offer is not None  # noqa: S101 - no child is found otherwise
        now = desk.clock.now()
        if await sweep(ctx, store, household_id, offer, offer.live.values(), now):
            return None
        wish = Wish(child_keys, [day], activities_of(rules, wanted.activity_ids), is_day_named=True)
        plan = plan_booking(rules, offer, wish, now)
        _refuse(rules, plan, wish, wanted)
        change = Change(offer.household_key, offer.revision, now, command=command)
        hold = await hold_slots(change, desk, household_id, rules, offer, plan.created)
        rows = _rows(change, hold, now)
        views = view_rows(rules, rows, [*offer.live.values(), *rows], now)
        change.response = encode(Created(rules, dict(offer.child_ids), views, offer.revision + 1))
        return change.response if await store.apply(ctx, change) else None

    return await settle(ctx, desk, attempt)


def _rows(change: Change, hold: datetime, now: datetime) -> list[Row]:
    return [
        Row(reservation_id, child_key, key, Status.HELD, hold, now, change.entry_id)
        for reservation_id, (child_key, key) in zip(change.new_ids, change.new_slots, strict=True)
    ]


def _refuse(rules: TownRules, plan: BookingPlan, wish: Wish, wanted: CreateReservations) -> None:
    """What was only brought along may fail; what was chosen may not.

    What lacks a required activity that was wanted too is told that activity's reason: full, too late.
    """
    chosen = {activity.key for activity in wish.activities}
    refusals = {activity_in(key): refusal for (_, key), refusal in plan.skipped}
    refused = next((key for key in refusals if key in chosen), None)
    if refused is None:
        return
    for _ in refusals:
        refusal = refusals[refused]
        lacking = rules.by_id.get(refusal.related_activity_id)
        if refusal.reason is not Reason.REQUIRES_ACTIVITY or lacking is None or lacking.key not in refusals:
            break
        refused = lacking.key
    raise PreconditionError(
        refusal.reason.value,
        child_id=wanted.child_id,
        activity_id=rules.by_key[refused].id,
        day=wanted.day.isoformat(),
        **refusal.facts(),
    )
