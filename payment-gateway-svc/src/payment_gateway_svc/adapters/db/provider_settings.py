"""Accounts at providers, sealed before they reach the database."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from preau_chassis.database import UnitOfWork

from payment_gateway_svc.adapters.secret_box import SecretBox
from payment_gateway_svc.application.ports import ProviderSettings


class DatabaseSettings:
    """The accounts of the unit of work's town."""

    def __init__(self, uow: UnitOfWork, box: SecretBox) -> None:
        self._uow = uow
        self._box = box
        self._tenant_id = uow.context.tenant_id

    async def find(self, provider: str) -> ProviderSettings | None:
        row = await self._uow.fetchrow(
            "SELECT provider, key_id, sealed FROM provider_settings WHERE tenant_id = $1 AND provider = $2",
            self._tenant_id,
            provider,
        )
        return self._open(row) if row else None

    async def find_active(self) -> ProviderSettings | None:
        row = await self._uow.fetchrow(
            """SELECT provider, key_id, sealed FROM provider_settings WHERE tenant_id = $1
               ORDER BY updated_at DESC, provider LIMIT 1""",
            self._tenant_id,
        )
        return self._open(row) if row else None

    async def save(self, settings: ProviderSettings, now: datetime) -> None:
        plain = json.dumps(dict(settings.values), sort_keys=True).encode()
        key_id, sealed = self._box.seal(plain, bound_to(self._tenant_id, settings.provider))
        await self._uow.execute(
            """INSERT INTO provider_settings (tenant_id, provider, key_id, sealed, updated_at) VALUES ($1, $2, $3, $4, $5)
               ON CONFLICT (tenant_id, provider) DO UPDATE
               SET key_id = excluded.key_id, sealed = excluded.sealed, updated_at = excluded.updated_at""",
            self._tenant_id,
            settings.provider,
            key_id,
            sealed,
            now,
        )

    def _open(self, row: Any) -> ProviderSettings:
        plain = self._box.open(row["key_id"], bytes(row["sealed"]), bound_to(self._tenant_id, row["provider"]))
        return ProviderSettings(row["provider"], json.loads(plain))


def bound_to(tenant_id: int, provider: str) -> str:
    """What a row is sealed for: copied to another town, or renamed to another provider, it does not open."""
    return f"{tenant_id}:{provider}"
