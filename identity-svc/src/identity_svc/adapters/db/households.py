"""Households in PostgreSQL."""

from __future__ import annotations

import json
from datetime import date
from typing import Any
from uuid import UUID

from preau_chassis.database import UnitOfWork as Transaction
from preau_kernel.ids import TenantId

from identity_svc.domain.people import Child, Guardian, Household, PostalAddress

_COLUMNS = "id, external_ref, is_resident, line1, line2, postal_code, city, version"
# The people come with their household: every page of a family asks for them, and each statement is a trip of its own.
_WHOLE = f"""
SELECT {_COLUMNS}, (
  SELECT json_agg(json_build_array(g.id, g.first_name, g.last_name, g.email, g.phone, g.is_payer) ORDER BY g.position)::text
  FROM guardian g WHERE g.tenant_id = household.tenant_id AND g.household_id = household.id) AS guardians, (
  SELECT json_agg(json_build_array(c.id, c.first_name, c.last_name, c.born_on, c.school, c.school_class) ORDER BY c.position)::text
  FROM child c WHERE c.tenant_id = household.tenant_id AND c.household_id = household.id) AS children
FROM household WHERE tenant_id = $1 AND"""


class PostgresHouseholds:
    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def by_id(self, household_id: UUID) -> Household | None:
        row = await self._transaction.fetchrow(f"{_WHOLE} id = $2", self._tenant_id, household_id)
        return _household(row) if row else None

    async def by_external_ref(self, external_ref: str) -> Household | None:
        row = await self._transaction.fetchrow(
            f"{_WHOLE} external_ref = $2",
            self._tenant_id,
            external_ref,
        )
        return _household(row) if row else None

    async def insert(self, household: Household) -> bool:
        address = household.address
        inserted = await self._transaction.fetchval(
            f"INSERT INTO household (tenant_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
            " ON CONFLICT (tenant_id, external_ref) DO NOTHING RETURNING id",
            self._tenant_id,
            household.id,
            household.external_ref,
            household.is_resident,
            address.line1,
            address.line2,
            address.postal_code,
            address.city,
            household.version,
        )
        if inserted is None:
            return False
        await self._transaction.executemany(
            "INSERT INTO guardian (tenant_id, id, household_id, position, first_name, last_name, email, phone, is_payer)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                (
                    self._tenant_id,
                    who.id,
                    household.id,
                    at,
                    who.first_name,
                    who.last_name,
                    who.email,
                    who.phone,
                    who.is_payer,
                )
                for at, who in enumerate(household.guardians)
            ],
        )
        await self._transaction.executemany(
            "INSERT INTO child (tenant_id, id, household_id, position, first_name, last_name, born_on, school,"
            " school_class) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            [
                (
                    self._tenant_id,
                    who.id,
                    household.id,
                    at,
                    who.first_name,
                    who.last_name,
                    who.born_on,
                    who.school,
                    who.school_class,
                )
                for at, who in enumerate(household.children)
            ],
        )
        return True


def _household(row: Any) -> Household:
    return Household(
        id=row["id"],
        external_ref=row["external_ref"],
        guardians=tuple(Guardian(UUID(key), *facts) for key, *facts in json.loads(row["guardians"] or "[]")),
        children=tuple(
            Child(
                UUID(key), first_name, last_name, date.fromisoformat(born_on) if born_on else None, school, school_class
            )
            for key, first_name, last_name, born_on, school, school_class in json.loads(row["children"] or "[]")
        ),
        is_resident=row["is_resident"],
        address=PostalAddress(row["line1"], row["line2"], row["postal_code"], row["city"]),
        version=row["version"],
    )
