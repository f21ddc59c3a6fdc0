"""What staff decide, written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from preau_chassis.database import Database, UnitOfWork
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind, NotFoundError
from preau_kernel.ids import IdFactory

from agenda_svc.adapters.db.households import ensure_children, ensure_household
from agenda_svc.adapters.db.rules_loader import ACTIVITIES, to_activities
from agenda_svc.adapters.db.towns import change_rules
from agenda_svc.adapters.publisher import to_message
from agenda_svc.application.ports import CalendarPeriod
from agenda_svc.domain.activity import Activity, ActivityDraft
from agenda_svc.domain.calendar import Closure
from agenda_svc.domain.cutoffs import Cutoff
from agenda_svc.domain.days import MAX_ACTIVITY_KEY, day_of
from agenda_svc.domain.events import ActivityChanged

_UPSERT_ACTIVITY = """
INSERT INTO activity AS a (tenant_id, activity_key, activity_id, code, name, kind, weekdays, position, site_key,
                           requires, brings, excludes, booking_cutoff, cancellation_cutoff, is_open_in_holidays)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
ON CONFLICT (tenant_id, code) DO UPDATE
SET name = $5, kind = $6, weekdays = $7, position = $8, site_key = $9, requires = $10, brings = $11, excludes = $12,
    booking_cutoff = $13, cancellation_cutoff = $14, is_open_in_holidays = $15, version = a.version + 1
RETURNING version"""
_UPSERT_SITE = """
INSERT INTO site (tenant_id, site_key, site_id, name)
SELECT $1, coalesce(max(site_key), 0) + 1, $2, $3 FROM site WHERE tenant_id = $1
ON CONFLICT (tenant_id, name) DO UPDATE SET name = excluded.name RETURNING site_key"""
_INSERT_PERIODS = """
INSERT INTO calendar_period (tenant_id, kind, first_day, last_day, label, source_status)
SELECT $1, p.* FROM unnest($2::text[], $3::date[], $4::date[], $5::text[], $6::text[]) AS p
ON CONFLICT DO NOTHING"""
# A capacity below what is booked cancels nobody: nothing more is booked until enough have left.
_OPEN_SESSIONS = """
INSERT INTO session AS s (tenant_id, session_key, capacity)
SELECT $1, k, $3 FROM unnest($2::bigint[]) AS k
ON CONFLICT (tenant_id, session_key) DO UPDATE SET capacity = excluded.capacity
RETURNING (s.xmax = 0) AS is_new"""
_ENROL = """
INSERT INTO enrolment AS e (tenant_id, child_key, activity_key, first_day, last_day)
SELECT $1, c, a, $4, $5 FROM unnest($2::int[]) AS c, unnest($3::int[]) AS a
ON CONFLICT (tenant_id, child_key, activity_key, first_day) DO UPDATE SET last_day = excluded.last_day
WHERE e.last_day <> excluded.last_day
RETURNING 1"""


class PostgresTownStore:
    """Each method is one transaction."""

    def __init__(self, database: Database, ids: IdFactory) -> None:
        self._database = database
        self._ids = ids

    async def upsert_activity(self, ctx: Context, draft: ActivityDraft) -> Activity:
        async with self._database.unit_of_work(ctx) as uow:
            await change_rules(uow)
            site_key = await self._site(uow, draft.site_name) if draft.site_name else None
            key = 1 + await uow.fetchval(
                "SELECT coalesce(max(activity_key), 0) FROM activity WHERE tenant_id = $1", ctx.tenant_id
            )
            if key > MAX_ACTIVITY_KEY:
                raise DomainError(ErrorKind.QUOTA, "TOO_MANY_ACTIVITIES")
            version = await uow.fetchval(_UPSERT_ACTIVITY, *self._values(ctx, draft, key, site_key))
            activities = to_activities(await uow.fetch(ACTIVITIES, ctx.tenant_id))
            activity = next(each for each in activities if each.code == draft.code)
            uow.publish(to_message(ActivityChanged(activity, version)))
            await uow.commit()
        return activity

    async def replace_calendar(
        self, ctx: Context, zone: str, periods: Sequence[CalendarPeriod], school_weekdays: frozenset[int]
    ) -> None:
        async with self._database.unit_of_work(ctx) as uow:
            await change_rules(uow)
            await uow.execute(
                "UPDATE town SET school_zone = $2, school_weekdays = $3 WHERE tenant_id = $1",
                ctx.tenant_id,
                zone,
                sorted(school_weekdays),
            )
            await uow.execute("DELETE FROM calendar_period WHERE tenant_id = $1", ctx.tenant_id)
            await uow.execute(
                _INSERT_PERIODS,
                ctx.tenant_id,
                [period.kind for period in periods],
                [period.first for period in periods],
                [period.last for period in periods],
                [period.label for period in periods],
                [period.source_status for period in periods],
            )
            await uow.commit()

    async def add_closure(self, ctx: Context, site_id: UUID | None, closure: Closure) -> str:
        async with self._database.unit_of_work(ctx) as uow:
            await change_rules(uow)
            site_key = None
            if site_id is not None:
                site_key = await uow.fetchval(
                    "SELECT site_key FROM site WHERE tenant_id = $1 AND site_id = $2", ctx.tenant_id, site_id
                )
                if site_key is None:
                    raise NotFoundError("SITE_NOT_FOUND")
            closure_id = self._ids.new()
            await uow.execute(
                "INSERT INTO closure (tenant_id, closure_id, site_key, first_day, last_day, label)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                ctx.tenant_id,
                closure_id,
                site_key,
                day_of(closure.first),
                day_of(closure.last),
                closure.label,
            )
            await uow.commit()
        return str(closure_id)

    async def open_sessions(self, ctx: Context, keys: Sequence[int], capacity: int | None) -> int:
        async with self._database.unit_of_work(ctx) as uow:
            rows = await uow.fetch(_OPEN_SESSIONS, ctx.tenant_id, sorted(keys), capacity)
            await uow.commit()
        return sum(1 for row in rows if row["is_new"])

    async def enrol(
        self,
        ctx: Context,
        household_id: str,
        child_ids: Sequence[str],
        activity_keys: Sequence[int],
        days: tuple[int, int],
    ) -> int:
        async with self._database.unit_of_work(ctx) as uow:
            household_key = await ensure_household(uow, household_id)
            child_keys = await ensure_children(uow, household_key, child_ids)
            rows = await uow.fetch(_ENROL, ctx.tenant_id, child_keys, activity_keys, *days)
            await uow.commit()
        return len(rows)

    async def _site(self, uow: UnitOfWork, name: str) -> int:
        key: int = await uow.fetchval(_UPSERT_SITE, uow.context.tenant_id, self._ids.new(), name)
        return key

    def _values(self, ctx: Context, draft: ActivityDraft, key: int, site_key: int | None) -> tuple[Any, ...]:
        return (
            ctx.tenant_id,
            key,
            self._ids.new(),
            draft.code,
            draft.name,
            draft.kind,
            sorted(draft.weekdays),
            draft.position,
            site_key,
            draft.requires,
            draft.brings,
            draft.excludes,
            _stored(draft.booking_cutoff),
            _stored(draft.cancellation_cutoff),
            draft.is_open_in_holidays,
        )


def _stored(cutoff: Cutoff | None) -> list[int] | None:
    return None if cutoff is None else [cutoff.days_before, cutoff.hour, cutoff.minute, cutoff.counting]
