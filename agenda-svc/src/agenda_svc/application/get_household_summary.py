"""What needs the household now, and what comes next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from preau_kernel.context import Context
from preau_kernel.errors import InvalidError

from agenda_svc.application.desk import Desk, read_rows, without_lapsed
from agenda_svc.application.ports import HoldsQuery, RowsQuery
from agenda_svc.domain.days import day_in, keys_between
from agenda_svc.domain.lapses import REMEMBERED, recently_lapsed
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import Status
from agenda_svc.domain.views import EmptyWeek, RowView, first_empty_week, view_rows

_DEFAULT_DAYS = 7
_MAX_DAYS = 31
_WEEKS_AHEAD = 5


@dataclass(frozen=True, slots=True)
class HouseholdSummary:
    rules: TownRules
    child_ids: dict[int, str]
    revision: int = 0
    held_count: int = 0
    hold_expires_at: datetime | None = None
    upcoming: Sequence[RowView] = ()
    recently_expired_count: int = 0
    empty_week: EmptyWeek | None = None


async def get_household_counts(ctx: Context, desk: Desk) -> HouseholdSummary:
    """The summary's numbers alone, for the badge of every page: no row of the household is read but what lapsed."""
    household_id = ctx.require_household()
    now = desk.clock.now()
    rules = await desk.rules.current(ctx)
    while True:
        query = HoldsQuery(household_id, now, keys_between(rules.today(now), 0)[0], closed_since=now - REMEMBERED)
        counts = await desk.store.count_holds(ctx, query)
        if counts.rules_version == rules.version:
            break
        rules = await desk.rules.reload(ctx)
    return HouseholdSummary(
        rules,
        {},
        counts.revision,
        counts.held_count,
        counts.hold_expires_at,
        recently_expired_count=len(recently_lapsed(counts.rows, now)) + counts.lapsing_count,
    )


async def get_household_summary(ctx: Context, desk: Desk, days: int) -> HouseholdSummary:
    """``days``: 7 when 0, 31 at most."""
    household_id = ctx.require_household()
    if not 0 <= days <= _MAX_DAYS:
        raise InvalidError("TOO_MANY_DAYS", "days", max_count=str(_MAX_DAYS))
    now = desk.clock.now()
    rules = await desk.rules.current(ctx)
    today = rules.today(now)
    last_day = today + 7 * _WEEKS_AHEAD
    first_key, offer_last_key = keys_between(today, last_day)
    query = RowsQuery(
        household_id, live=True, closed_since=now - REMEMBERED, first_key=first_key, offer_last_key=offer_last_key
    )
    rules, reading = await read_rows(ctx, desk, desk.store, query)
    if reading.offer is None:
        return HouseholdSummary(rules, {})
    offer = without_lapsed(reading.offer, now)
    own = [row for row in offer.live.values() if row.is_own]
    held = [row for row in own if row.status is Status.HELD]
    until = today + (days or _DEFAULT_DAYS)
    swept_soon = sum(1 for row in reading.rows if row.is_own and row.has_lapsed(now))
    return HouseholdSummary(
        rules,
        dict(offer.child_ids),
        offer.revision,
        len(held),
        min((row.hold_expires_at for row in held), default=None),
        view_rows(rules, [row for row in own if day_in(row.session_key) < until], own, now),
        len(recently_lapsed(reading.rows, now)) + swept_soon,
        first_empty_week(rules, offer, sorted(reading.members), last_day, now),
    )
