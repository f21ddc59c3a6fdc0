"""Reservations by id or by filter, by day then activity order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from preau_kernel.context import Context

from agenda_svc.application.cancel_reservations import check_ids
from agenda_svc.application.desk import Desk, child_keys_of, read_rows
from agenda_svc.application.ports import RowsQuery
from agenda_svc.domain.days import check_day, day_number, keys_between
from agenda_svc.domain.offer import Row
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.states import LIVE, Status
from agenda_svc.domain.views import RowView, view_rows

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_DAYS_BACK = 400
_DAYS_AHEAD = 800


@dataclass(frozen=True, slots=True)
class ListReservations:
    """``ids`` win over the filters. Without ``first``: from 400 days back; without ``last``: 800 days ahead."""

    ids: Sequence[int] = ()
    statuses: Collection[Status] = ()
    child_ids: Sequence[str] = ()
    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class ReservationList:
    rules: TownRules
    child_ids: dict[int, str]
    rows: Sequence[RowView]
    revision: int


async def list_reservations(ctx: Context, desk: Desk, wanted: ListReservations) -> ReservationList:
    household_id = ctx.require_household()
    now = desk.clock.now()
    statuses = frozenset(wanted.statuses or Status)
    if wanted.ids:
        query = RowsQuery(household_id, ids=check_ids(wanted.ids), with_coupled=True)
    else:
        today = day_number(now.date())
        first = day_number(check_day(wanted.first, "from")) if wanted.first else today - _DAYS_BACK
        last = day_number(check_day(wanted.last, "to")) if wanted.last else today + _DAYS_AHEAD
        first_key, last_key = keys_between(first, last)
        closed_since = _LONG_AGO if statuses - LIVE else None
        query = RowsQuery(household_id, live=True, closed_since=closed_since, first_key=first_key, last_key=last_key)
    rules, reading = await read_rows(ctx, desk, desk.store, query)
    children = frozenset(child_keys_of(reading.offer, wanted.child_ids))
    if reading.offer is None:
        return ReservationList(rules, {}, [], 0)
    if wanted.ids:
        asked = set(wanted.ids)
        rows = [row for row in reading.rows if row.is_own and row.id in asked]
    else:
        rows = [row for row in reading.rows if _is_wanted(row, statuses, children)]
    views = view_rows(rules, rows, reading.rows, now)
    return ReservationList(rules, dict(reading.offer.child_ids), views, reading.offer.revision)


def _is_wanted(row: Row, statuses: frozenset[Status], children: frozenset[int]) -> bool:
    return row.is_own and row.status in statuses and (not children or row.child_key in children)
