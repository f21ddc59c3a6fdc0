"""After a change of the encryption key: what the former one sealed is sealed again with the new one, town by town."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from preau_chassis.database import Database
from preau_chassis.logs import get_logger
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

from payment_gateway_svc.adapters.db.provider_settings import bound_to
from payment_gateway_svc.adapters.secret_box import SecretBox
from payment_gateway_svc.domain.errors import SettingsUnreadableError

_LOG = get_logger(__name__)


class Resealing:
    """A timed job. It waits ``grace`` from the start of its process: while processes are replaced one by one, some do not
    have the new key yet and could not open what it seals.
    """

    def __init__(self, database: Database, work_database: Database, box: SecretBox, grace: timedelta) -> None:
        self._database = database
        self._work_database = work_database
        self._box = box
        self._begins = time.monotonic() + grace.total_seconds()

    async def run(self) -> None:
        """Every town whose settings are not under the key in use."""
        if time.monotonic() < self._begins:
            return
        towns = await self._work_database.fetch(
            "SELECT DISTINCT tenant_id FROM provider_settings WHERE key_id <> $1", self._box.current_key_id
        )
        for town in towns:
            await self._reseal(town["tenant_id"])

    async def _reseal(self, tenant_id: int) -> None:
        # Nothing is published, so the town's short name is not needed.
        async with self._database.unit_of_work(Context.system(TenantId(tenant_id), TenantSlug(""))) as uow:
            rows = await uow.fetch(
                "SELECT provider, key_id, sealed FROM provider_settings WHERE tenant_id = $1 AND key_id <> $2 FOR UPDATE",
                tenant_id,
                self._box.current_key_id,
            )
            for row in rows:
                await self._reseal_row(uow, tenant_id, row)
            await uow.commit()

    async def _reseal_row(self, uow: Any, tenant_id: int, row: Any) -> None:
        purpose = bound_to(tenant_id, row["provider"])
        try:
            plain = self._box.open(row["key_id"], bytes(row["sealed"]), purpose)
        except SettingsUnreadableError as error:
            _LOG.error("provider.settings_unreadable", tenant=tenant_id, provider=row["provider"], reason=error.reason)
            return
        # updated_at stays: it says which account was set last.
        await uow.execute(
            "UPDATE provider_settings SET key_id = $3, sealed = $4 WHERE tenant_id = $1 AND provider = $2",
            tenant_id,
            row["provider"],
            *self._box.seal(plain, purpose),
        )
        _LOG.info("provider.settings_resealed", tenant=tenant_id, provider=row["provider"])
