"""What the schema of the first release lacks, done with what it has: pods may come before the migration.

To be removed with the release after the one that brings ``agenda_count_holds``.
"""

from __future__ import annotations

from typing import Protocol

from preau_kernel.context import Context

from agenda_svc.application.ports import HoldCounts, HoldsQuery, Reading, RowsQuery
from agenda_svc.domain.states import Status


class RowsReader(Protocol):
    async def read_rows(self, ctx: Context, query: RowsQuery) -> Reading: ...


async def count_holds_by_rows(store: RowsReader, ctx: Context, query: HoldsQuery) -> HoldCounts:
    """``count_holds`` from the household's rows."""
    rows = RowsQuery(query.household_id, live=True, closed_since=query.closed_since, first_key=query.first_key)
    reading = await store.read_rows(ctx, rows)
    if reading.offer is None:
        return HoldCounts(reading.rules_version)
    holds = [row for row in reading.rows if row.is_own and row.status is Status.HELD]
    open_until = [row.hold_expires_at for row in holds if not row.has_lapsed(query.now)]
    return HoldCounts(
        reading.rules_version,
        reading.offer.revision,
        len(open_until),
        min(open_until, default=None),
        len(holds) - len(open_until),
        reading.rows,
    )
