"""Towns in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from preau_chassis.database import Database
from preau_chassis.database import UnitOfWork as Transaction
from preau_kernel.ids import TenantId, TenantSlug

from identity_svc.domain.tenants import Contact, Tenant
from identity_svc.domain.theme import Theme

_SELECT = """
SELECT t.*, (SELECT coalesce(array_agg(h.host ORDER BY h.position), '{}')
               FROM tenant_host h WHERE h.tenant_id = t.tenant_id) AS hosts
  FROM tenant t
"""
_BY_HOST = (
    _SELECT
    + """
 WHERE t.tenant_id = (SELECT h.tenant_id FROM tenant_host h WHERE h.host = $1
                      UNION ALL
                      SELECT l.tenant_id FROM tenant l WHERE l.slug = $2
                      LIMIT 1)
"""
)
_UPSERT = """
INSERT INTO tenant (tenant_id, slug, name, time_zone, locale, primary_colour, accent_colour, office_name, office_phone,
                    office_email, office_hours, office_address, news, hold_minutes, is_production, accessibility_state,
                    version, created_at, changed_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
ON CONFLICT (tenant_id) DO UPDATE SET
  (name, time_zone, locale, primary_colour, accent_colour, office_name, office_phone, office_email, office_hours,
   office_address, news, hold_minutes, is_production, accessibility_state, version, changed_at)
  = (excluded.name, excluded.time_zone, excluded.locale, excluded.primary_colour, excluded.accent_colour,
     excluded.office_name, excluded.office_phone, excluded.office_email, excluded.office_hours, excluded.office_address,
     excluded.news, excluded.hold_minutes, excluded.is_production, excluded.accessibility_state, excluded.version,
     excluded.changed_at)
"""
# Any constant serves, as long as nothing else in this database takes it.
_DIRECTORY_LOCK = 7_001


class PostgresTenantDirectory:
    """Reads without a town being set: the only tables whose rows every caller may read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_host(self, host: str, local_slug: str) -> Tenant | None:
        return _first(await self._database.fetch(_BY_HOST, host, local_slug))

    async def by_slug(self, slug: str) -> Tenant | None:
        return _first(await self._database.fetch(_SELECT + " WHERE t.slug = $1", slug))

    async def by_number(self, number: TenantId) -> Tenant | None:
        return _first(await self._database.fetch(_SELECT + " WHERE t.tenant_id = $1", number))

    async def all(self) -> list[Tenant]:
        return [_tenant(row) for row in await self._database.fetch(_SELECT + " ORDER BY t.tenant_id")]

    async def next_number(self) -> TenantId:
        rows = await self._database.fetch("SELECT nextval('tenant_number')::int AS number")
        return TenantId(rows[0]["number"])


class PostgresTenants:
    """A town's own row, written inside its own unit of work."""

    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def lock_directory(self) -> None:
        await self._transaction.execute("SELECT pg_advisory_xact_lock($1)", _DIRECTORY_LOCK)

    async def by_slug(self, slug: str) -> Tenant | None:
        row = await self._transaction.fetchrow(_SELECT + " WHERE t.slug = $1", slug)
        return _tenant(row) if row else None

    async def taken_host(self, hosts: Sequence[str]) -> str | None:
        row = await self._transaction.fetchrow(
            "SELECT host FROM tenant_host WHERE host = ANY($1::text[]) AND tenant_id <> $2 LIMIT 1",
            list(hosts),
            self._tenant_id,
        )
        return str(row["host"]) if row else None

    async def save(self, tenant: Tenant, now: datetime) -> None:
        contact = tenant.contact
        await self._transaction.execute(
            _UPSERT,
            tenant.number,
            tenant.slug,
            tenant.name,
            tenant.time_zone,
            tenant.locale,
            tenant.theme.primary,
            tenant.theme.accent,
            contact.office_name,
            contact.phone,
            contact.email,
            contact.hours,
            contact.address,
            tenant.news,
            tenant.hold_minutes,
            tenant.is_production,
            tenant.accessibility_state,
            tenant.version,
            now,
        )
        await self._transaction.execute("DELETE FROM tenant_host WHERE tenant_id = $1", tenant.number)
        await self._transaction.execute(
            "INSERT INTO tenant_host (tenant_id, host, position)"
            " SELECT $1, host, position FROM unnest($2::text[]) WITH ORDINALITY AS given (host, position)",
            tenant.number,
            list(tenant.hosts),
        )


def _first(rows: Sequence[Any]) -> Tenant | None:
    return _tenant(rows[0]) if rows else None


def _tenant(row: Any) -> Tenant:
    return Tenant(
        number=TenantId(row["tenant_id"]),
        slug=TenantSlug(row["slug"]),
        name=row["name"],
        time_zone=row["time_zone"],
        locale=row["locale"],
        theme=Theme(row["primary_colour"], row["accent_colour"]),
        contact=Contact(
            row["office_name"], row["office_phone"], row["office_email"], row["office_hours"], row["office_address"]
        ),
        news=row["news"],
        hold_minutes=row["hold_minutes"],
        is_production=row["is_production"],
        accessibility_state=row["accessibility_state"],
        hosts=tuple(row["hosts"]),
        version=row["version"],
    )
