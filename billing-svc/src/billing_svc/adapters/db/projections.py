"""What other services told, and the town's settings, in one town's transaction."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from preau_chassis.database import UnitOfWork

from billing_svc.application.records import TownRecord
from billing_svc.domain.tariffs import Tariff, TariffPlan

_TOWN = """
SELECT slug, name, time_zone, hold_minutes, is_production, office_name, office_address, office_phone, office_email, version
FROM town WHERE tenant_id = $1"""
_PUT_TOWN = """
INSERT INTO town AS t (tenant_id, slug, name, time_zone, hold_minutes, is_production, office_name, office_address, office_phone,
                       office_email, version)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (tenant_id) DO UPDATE SET
  slug = EXCLUDED.slug, name = EXCLUDED.name, time_zone = EXCLUDED.time_zone, hold_minutes = EXCLUDED.hold_minutes,
  is_production = EXCLUDED.is_production, office_name = EXCLUDED.office_name, office_address = EXCLUDED.office_address,
  office_phone = EXCLUDED.office_phone, office_email = EXCLUDED.office_email, version = EXCLUDED.version
WHERE t.version < EXCLUDED.version"""
_PUT_HOUSEHOLD = """
INSERT INTO household AS h (tenant_id, household_id, is_resident, version) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, household_id) DO UPDATE SET is_resident = EXCLUDED.is_resident, version = EXCLUDED.version
WHERE h.version < EXCLUDED.version"""
_PUT_CHILDREN = """
INSERT INTO child (tenant_id, child_id) SELECT $1, c FROM unnest($2::uuid[]) AS c ON CONFLICT DO NOTHING"""
_PUT_ACTIVITY = """
INSERT INTO activity AS a (tenant_id, activity_id, name, kind, position, version) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, activity_id) DO UPDATE SET
  name = EXCLUDED.name, kind = EXCLUDED.kind, position = EXCLUDED.position, version = EXCLUDED.version
WHERE a.version < EXCLUDED.version"""
_NOTE_ACTIVITY = "INSERT INTO activity (tenant_id, activity_id) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_LOCK_ACTIVITY = "SELECT key FROM activity WHERE tenant_id = $1 AND activity_id = $2 FOR UPDATE"
_TARIFFS = """
SELECT t.id, t.valid_from, t.valid_to, t.resident_minor, t.non_resident_minor, t.is_used
FROM tariff t WHERE t.tenant_id = $1 AND t.activity_key = $2 ORDER BY t.valid_from FOR UPDATE"""
_UPDATE_TARIFF = """
UPDATE tariff SET valid_to = $3, resident_minor = $4, non_resident_minor = $5 WHERE tenant_id = $1 AND id = $2"""
_INSERT_TARIFF = """
INSERT INTO tariff (tenant_id, id, activity_key, valid_from, valid_to, resident_minor, non_resident_minor)
SELECT $1, $3, key, $4, $5, $6, $7 FROM activity WHERE tenant_id = $1 AND activity_id = $2"""
_PUT_TILL = """
INSERT INTO till AS t (tenant_id, id, code, name, siret, vat_mention, is_default)
VALUES ($1, $2, $3, $4, $5, $6, NOT EXISTS (SELECT FROM till o WHERE o.tenant_id = $1 AND o.is_default))
ON CONFLICT (tenant_id, code) DO UPDATE SET name = EXCLUDED.name, siret = EXCLUDED.siret, vat_mention = EXCLUDED.vat_mention
RETURNING id"""


class SqlProjections:
    """``Projections`` on PostgreSQL."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._tenant = uow.context.tenant_id

    async def town(self) -> TownRecord | None:
        row = await self._uow.fetchrow(_TOWN, self._tenant)
        return None if row is None else TownRecord(**dict(row))

    async def put_town(self, town: TownRecord) -> None:
        await self._uow.execute(
            _PUT_TOWN,
            self._tenant,
            town.slug,
            town.name,
            town.time_zone,
            town.hold_minutes,
            town.is_production,
            town.office_name,
            town.office_address,
            town.office_phone,
            town.office_email,
            town.version,
        )

    async def put_household(
        self, household_id: str, child_ids: Sequence[str], version: int, *, is_resident: bool
    ) -> None:
        await self._uow.execute(_PUT_HOUSEHOLD, self._tenant, UUID(household_id), is_resident, version)
        if child_ids:
            await self._uow.execute(_PUT_CHILDREN, self._tenant, [UUID(child_id) for child_id in child_ids])

    async def put_activity(self, activity_id: str, name: str, kind: int, position: int, version: int) -> None:
        await self._uow.execute(_PUT_ACTIVITY, self._tenant, UUID(activity_id), name, kind, position, version)

    async def lock_tariffs(self, activity_id: str) -> list[Tariff]:
        await self._uow.execute(_NOTE_ACTIVITY, self._tenant, UUID(activity_id))
        key = await self._uow.fetchval(_LOCK_ACTIVITY, self._tenant, UUID(activity_id))
        rows = await self._uow.fetch(_TARIFFS, self._tenant, key)
        return [Tariff(**{**dict(row), "id": str(row["id"])}) for row in rows]

    async def apply_tariffs(self, activity_id: str, plan: TariffPlan) -> None:
        for tariff in plan.update:
            await self._uow.execute(
                _UPDATE_TARIFF,
                self._tenant,
                UUID(tariff.id),
                tariff.valid_to,
                tariff.resident_minor,
                tariff.non_resident_minor,
            )
        if plan.insert is not None:
            await self._uow.execute(
                _INSERT_TARIFF,
                self._tenant,
                UUID(activity_id),
                UUID(plan.insert.id),
                plan.insert.valid_from,
                plan.insert.valid_to,
                plan.insert.resident_minor,
                plan.insert.non_resident_minor,
            )

    async def put_till(self, till_id: str, code: str, name: str, siret: str, vat_mention: str) -> str:
        # One till at a time in a town, so that exactly one is the default.
        await self._uow.execute("SELECT pg_advisory_xact_lock(hashtext('till'), $1)", self._tenant)
        row = await self._uow.fetchval(_PUT_TILL, self._tenant, UUID(till_id), code, name, siret, vat_mention)
        return str(row)
