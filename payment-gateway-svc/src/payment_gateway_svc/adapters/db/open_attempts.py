"""What the timed job should look up, across towns: read with the work role, done with the town's own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from preau_chassis.database import Database
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

from payment_gateway_svc.adapters.db.attempts import OPEN, OPEN_LIMITS
from payment_gateway_svc.adapters.measures import OpenPayments
from payment_gateway_svc.application.ports import OpenAttempt
from payment_gateway_svc.domain.attempt import POLLING_LIMIT

DUE_AGAIN_AFTER = (timedelta(minutes=4), timedelta(hours=1))
"""A little under the job's five minutes, so that a look-up that took a second is not skipped at the next turn; and for
what we gave up on, since late money is rare."""

DUE = f"""
SELECT tenant_id, tenant_slug, id FROM payment_attempt
WHERE ({OPEN}) AND (checked_at IS NULL OR checked_at <= $1::timestamptz
    - CASE WHEN state = 'expired' THEN $6::interval ELSE $5::interval END)
ORDER BY checked_at NULLS FIRST, id LIMIT $7"""

# What the poller still asks about, and what was never asked for. After that an attempt waits for a person, not for us.
_WAITING = """
SELECT provider, count(*) AS count, extract(epoch FROM $1::timestamptz - min(created_at))::float8 AS oldest_seconds
FROM payment_attempt
WHERE state IN ('created', 'redirected', 'pending') AND NOT is_forgotten
  AND (state = 'created' OR created_at > $1::timestamptz - $2::interval)
GROUP BY provider"""


class DatabaseOpenAttempts:
    """Due attempts of every town."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, now: datetime, limit: int) -> Sequence[OpenAttempt]:
        rows = await self._database.fetch(DUE, now, *OPEN_LIMITS, *DUE_AGAIN_AFTER, limit)
        return [
            OpenAttempt(Context.system(TenantId(row["tenant_id"]), TenantSlug(row["tenant_slug"])), row["id"])
            for row in rows
        ]

    async def waiting(self, now: datetime) -> Sequence[OpenPayments]:
        """How many attempts of all towns have no known end, by provider."""
        rows = await self._database.fetch(_WAITING, now, POLLING_LIMIT)
        return [OpenPayments(row["provider"], row["count"], max(0.0, row["oldest_seconds"])) for row in rows]
