"""One month of the household: every day of every child, with its state and its reservations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from preau_kernel.context import Context

from agenda_svc.application.desk import Desk, child_keys_of, read_offer, without_lapsed
from agenda_svc.application.ports import HoldsQuery, OfferQuery
from agenda_svc.domain.days import keys_between, month_days
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.views import ChildDay, month_of


@dataclass(frozen=True, slots=True)
class MonthView:
    rules: TownRules
    child_ids: dict[int, str]
    days: Sequence[ChildDay]
    revision: int
    held_count: int | None = None


async def get_month_view(
    ctx: Context, desk: Desk, year: int, month: int, child_ids: Sequence[str], *, with_held_count: bool = False
) -> MonthView:
    """A household the agenda does not know yet has an empty month."""
    household_id = ctx.require_household()
    first, last = month_days(year, month)
    now = desk.clock.now()

    def query(rules: TownRules) -> OfferQuery:
        today_key, _ = keys_between(rules.today(now), 0)
        holds = HoldsQuery(household_id, now, today_key) if with_held_count else None
        return OfferQuery(household_id, *keys_between(first, last), child_ids or None, holds=holds)

    rules, reading = await read_offer(ctx, desk, desk.store, query)
    keys = child_keys_of(reading.offer, child_ids)
    if reading.offer is None:
        return MonthView(rules, {}, [], 0, reading.held_count)
    offer = without_lapsed(reading.offer, now)
    days = month_of(rules, offer, keys or sorted(offer.child_ids), range(first, last + 1), now)
    return MonthView(rules, dict(offer.child_ids), days, offer.revision, reading.held_count)
