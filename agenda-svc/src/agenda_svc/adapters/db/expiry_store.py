"""Ended holds, found across towns and released town by town: one event a household, a few statements for them all."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from preau_chassis.database import Database, UnitOfWork
from preau_kernel.context import Context

from agenda_svc.adapters.measures import count_expired
from agenda_svc.adapters.publisher import to_message
from agenda_svc.domain.events import ReservationsExpired
from agenda_svc.domain.states import Status, Trigger, move

_DUE_TOWNS = """
SELECT t.tenant_id, t.slug FROM town t
WHERE t.tenant_id IN (SELECT h.tenant_id FROM household h WHERE h.next_expiry_at <= $1)
ORDER BY t.tenant_id LIMIT $2"""
# Whoever is being changed right now is left for the next round.
_LOCK_HOUSEHOLDS = """
SELECT household_key, household_id, revision FROM household
WHERE tenant_id = $1 AND next_expiry_at <= $2
ORDER BY household_key LIMIT $3 FOR UPDATE SKIP LOCKED"""
_HELD = """
SELECT r.reservation_id, r.household_key, r.session_key, r.hold_expires_at
FROM household_child m
JOIN reservation r ON r.tenant_id = m.tenant_id AND r.child_key = m.child_key AND r.household_key = m.household_key
WHERE m.tenant_id = $1 AND m.household_key = ANY($2::int[]) AND r.status IN (1, 2) AND r.status = 1"""
_UPDATE_HOUSEHOLDS = """
UPDATE household h SET revision = h.revision + u.bump, next_expiry_at = u.next
FROM unnest($2::int[], $3::int[], $4::timestamptz[]) AS u(household_key, bump, next)
WHERE h.tenant_id = $1 AND h.household_key = u.household_key"""
_EXPIRE = """
UPDATE reservation SET status = $4, closed_at = $3, lapse = 0
WHERE tenant_id = $1 AND reservation_id = ANY($2::bigint[])"""
_LOCK_SESSIONS = """
SELECT 1 FROM session WHERE tenant_id = $1 AND session_key = ANY($2::bigint[]) ORDER BY session_key FOR UPDATE"""
_FREE_PLACES = """
UPDATE session s SET booked = s.booked + c.delta FROM unnest($2::bigint[], $3::int[]) AS c(session_key, delta)
WHERE s.tenant_id = $1 AND s.session_key = c.session_key"""


class PostgresExpiryStore:
    def __init__(self, database: Database, work_database: Database) -> None:
        self._database = database
        self._work_database = work_database

    async def due_towns(self, now: datetime, limit: int) -> Sequence[tuple[int, str]]:
        rows = await self._work_database.fetch(_DUE_TOWNS, now, limit)
        return [(row["tenant_id"], row["slug"]) for row in rows]

    async def expire(self, ctx: Context, now: datetime, limit: int) -> tuple[int, int]:
        """``next_expiry_at`` is only a promise that nothing ends before: some households have nothing to release."""
        async with self._database.unit_of_work(ctx) as uow:
            households = {
                row["household_key"]: row for row in await uow.fetch(_LOCK_HOUSEHOLDS, ctx.tenant_id, now, limit)
            }
            if not households:
                return 0, 0
            ended: dict[int, list[Any]] = defaultdict(list)
            following: dict[int, datetime] = {}
            for row in await uow.fetch(_HELD, ctx.tenant_id, list(households)):
                key, until = row["household_key"], row["hold_expires_at"]
                if until <= now:
                    ended[key].append(row)
                else:
                    following[key] = min(following.get(key, until), until)
            await self._release(uow, now, households, ended, following)
            await uow.commit()
        released = sum(map(len, ended.values()))
        count_expired(ctx.tenant_slug, released)
        return len(households), released

    async def _release(
        self,
        uow: UnitOfWork,
        now: datetime,
        households: Mapping[int, Any],
        ended: Mapping[int, list[Any]],
        following: Mapping[int, datetime],
    ) -> None:
        tenant_id = uow.context.tenant_id
        keys = list(households)
        bumps = [1 if key in ended else 0 for key in keys]
        await uow.execute(_UPDATE_HOUSEHOLDS, tenant_id, keys, bumps, [following.get(key) for key in keys])
        if not ended:
            return
        edge = move(Status.HELD, Trigger.EXPIRE)
        rows = [row for each in ended.values() for row in each]
        await uow.execute(_EXPIRE, tenant_id, [row["reservation_id"] for row in rows], now, edge.target)
        for key, gone in ended.items():
            household = households[key]
            ids = sorted(row["reservation_id"] for row in gone)
            uow.publish(to_message(ReservationsExpired(str(household["household_id"]), household["revision"] + 1, ids)))
        counts = Counter(row["session_key"] for row in rows)
        sessions = sorted(counts)
        # Counters last, in the order of their keys, as every writer takes them.
        await uow.execute(_LOCK_SESSIONS, tenant_id, sessions)
        deltas = [edge.takes_place * counts[key] for key in sessions]
        await uow.execute(_FREE_PLACES, tenant_id, sessions, deltas)
