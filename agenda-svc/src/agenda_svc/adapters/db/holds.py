"""The open holds of every town. The work role tells which towns have any; each is then counted under its own security."""

from __future__ import annotations

from datetime import datetime, timedelta

from preau_chassis.database import Database
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

from agenda_svc.adapters.measures import TownHolds
from agenda_svc.application.desk import first_key_held

EXPIRING_WITHIN = timedelta(minutes=15)
_TOWNS = """
SELECT t.tenant_id, t.slug, t.tenant_id IN (
    SELECT h.tenant_id FROM household h WHERE h.next_expiry_at IS NOT NULL) AS has_holds
FROM town t"""
# A walk over the live rows of the days that can still be held: a tenth of a second for a million (measured), and no
# index over holds, which every booking would have to keep.
_COUNT = """
SELECT count(*) AS open, count(*) FILTER (WHERE r.hold_expires_at <= $2::timestamptz + $3::interval) AS expiring
FROM reservation r WHERE r.tenant_id = $1 AND r.session_key >= $4 AND r.status IN (1, 2) AND r.status = 1"""


class PostgresHoldCounts:
    def __init__(self, database: Database, work_database: Database) -> None:
        self._database = database
        self._work_database = work_database

    async def of_all_towns(self, now: datetime) -> list[TownHolds]:
        """Every town that is known, also those without a hold."""
        towns = await self._work_database.fetch(_TOWNS)
        return [
            await self._of_town(row["tenant_id"], row["slug"], now)
            if row["has_holds"]
            else TownHolds(row["slug"], 0, 0)
            for row in towns
        ]

    async def _of_town(self, tenant_id: int, slug: str, now: datetime) -> TownHolds:
        context = Context.system(TenantId(tenant_id), TenantSlug(slug))
        async with self._database.unit_of_work(context) as uow:
            (row,) = await uow.fetch(_COUNT, tenant_id, now, EXPIRING_WITHIN, first_key_held(now))
        return TownHolds(slug, row["open"], row["expiring"])
