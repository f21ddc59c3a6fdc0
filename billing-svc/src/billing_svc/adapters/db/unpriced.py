"""Bookings that could not be priced, noted so that they can be counted: the message itself waits on the bus."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import asyncpg
from preau_chassis.database import Database
from preau_chassis.logs import get_logger
from preau_kernel.context import Context
from preau_kernel.errors import DomainError
from preau_kernel.ids import TenantId, TenantSlug

_log = get_logger("unpriced")
_NOTE = """
INSERT INTO unpriced_booking (tenant_id, event_id, tenant_slug, household_id, noted_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING"""
_COUNT = """
SELECT u.tenant_id, u.tenant_slug, count(*) FILTER (WHERE i.event_id IS NULL) AS waiting,
       array_agg(u.event_id) FILTER (WHERE i.event_id IS NOT NULL) AS priced
FROM unpriced_booking u
LEFT JOIN inbox i ON i.tenant_id = u.tenant_id AND i.consumer = $1 AND i.event_id = u.event_id
GROUP BY u.tenant_id, u.tenant_slug"""
_FORGET = "DELETE FROM unpriced_booking WHERE tenant_id = $1 AND event_id = ANY ($2::uuid[])"


async def has_measures(work_database: Database) -> bool:
    """Whether the schema has what the timed counts need: a release's processes may come before its migration 0002."""
    return bool(await work_database.fetchval("SELECT to_regclass('unpriced_booking') IS NOT NULL"))


class SqlUnpricedBookings:
    """``UnpricedBookings`` on PostgreSQL, and their count for whoever runs the platform."""

    def __init__(self, database: Database, work_database: Database | None = None) -> None:
        self._database = database
        self._work_database = work_database or database

    async def note(self, context: Context, event_id: UUID, household_id: str, at: datetime) -> None:
        try:
            async with self._database.unit_of_work(context) as uow:
                await uow.execute(_NOTE, context.tenant_id, event_id, context.tenant_slug, UUID(household_id), at)
                await uow.commit()
        except (asyncpg.PostgresError, DomainError) as error:
            # The message's own fate does not hang on being counted.
            _log.warning("unpriced.not_noted", error_type=type(error).__name__)

    async def count(self, consumer: str) -> int:
        """How many of all towns still wait for ``consumer`` to price them. Forgets those that were priced since."""
        waiting = 0
        for row in await self._work_database.fetch(_COUNT, consumer):
            waiting += row["waiting"]
            if row["priced"]:
                context = Context.system(TenantId(row["tenant_id"]), TenantSlug(row["tenant_slug"]))
                async with self._database.unit_of_work(context) as uow:
                    await uow.execute(_FORGET, context.tenant_id, row["priced"])
                    await uow.commit()
        return waiting
