"""Households and children under the small keys that reservations carry."""

from __future__ import annotations

from collections.abc import Sequence

from preau_chassis.database import UnitOfWork

_HOUSEHOLD = """
INSERT INTO household (tenant_id, household_id) VALUES ($1, $2)
ON CONFLICT (tenant_id, household_id) DO NOTHING"""
_CHILDREN = """
INSERT INTO child (tenant_id, child_id) SELECT $1, unnest($2::uuid[])
ON CONFLICT (tenant_id, child_id) DO NOTHING"""
_CHILD_KEYS = "SELECT child_key FROM child WHERE tenant_id = $1 AND child_id = ANY($2::uuid[]) ORDER BY child_key"
_MEMBERS = """
INSERT INTO household_child (tenant_id, household_key, child_key) SELECT $1, $2, unnest($3::int[])
ON CONFLICT (tenant_id, household_key, child_key) DO UPDATE SET is_member = true"""


async def ensure_household(uow: UnitOfWork, household_id: str) -> int:
    tenant_id = uow.context.tenant_id
    await uow.execute(_HOUSEHOLD, tenant_id, household_id)
    key: int = await uow.fetchval(
        "SELECT household_key FROM household WHERE tenant_id = $1 AND household_id = $2", tenant_id, household_id
    )
    return key


async def ensure_children(uow: UnitOfWork, household_key: int, child_ids: Sequence[str]) -> list[int]:
    """The children's keys; all of them are the household's from now on."""
    tenant_id = uow.context.tenant_id
    wanted = sorted(set(child_ids))
    await uow.execute(_CHILDREN, tenant_id, wanted)
    keys: list[int] = [row[0] for row in await uow.fetch(_CHILD_KEYS, tenant_id, wanted)]
    await uow.execute(_MEMBERS, tenant_id, household_key, keys)
    return keys
