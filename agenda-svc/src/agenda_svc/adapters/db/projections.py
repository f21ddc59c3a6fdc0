"""What the agenda keeps of identity's news. An older event never overwrites a newer one."""

from __future__ import annotations

from preau_chassis.database import UnitOfWork

from agenda_svc.adapters.db.households import ensure_children, ensure_household
from agenda_svc.adapters.db.towns import DEFAULT_HOLD_MINUTES
from agenda_svc.application.project import HouseholdNews, TownNews

_TOWN = """
INSERT INTO town (tenant_id, slug, time_zone, hold_minutes, version) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id) DO UPDATE
SET slug = $2, time_zone = $3, hold_minutes = $4, version = $5, rules_version = town.rules_version + 1
WHERE town.version < $5"""
_HOUSEHOLD_VERSION = """
UPDATE household SET version = $3 WHERE tenant_id = $1 AND household_key = $2 AND version < $3 RETURNING 1"""
_LEAVERS = """
UPDATE household_child SET is_member = false
WHERE tenant_id = $1 AND household_key = $2 AND is_member AND child_key <> ALL($3::int[])"""


class PostgresProjections:
    """In the transaction of the event that brings the news."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def keep_town(self, news: TownNews) -> None:
        hold_minutes = news.hold_minutes or DEFAULT_HOLD_MINUTES
        await self._uow.execute(
            _TOWN, self._uow.context.tenant_id, news.slug, news.time_zone, hold_minutes, news.version
        )

    async def keep_household(self, news: HouseholdNews) -> None:
        """Who has left keeps its reservations, and books no more."""
        uow, tenant_id = self._uow, self._uow.context.tenant_id
        household_key = await ensure_household(uow, news.household_id)
        if await uow.fetchval(_HOUSEHOLD_VERSION, tenant_id, household_key, news.version) is None:
            return
        keys = await ensure_children(uow, household_key, news.child_ids)
        await uow.execute(_LEAVERS, tenant_id, household_key, keys)
