"""The chassis' transaction with this service's repositories on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from preau_chassis.database import Database, UnitOfWork
from preau_kernel.context import Context

from payment_gateway_svc.adapters.db.attempts import DatabaseAttempts
from payment_gateway_svc.adapters.db.provider_settings import DatabaseSettings
from payment_gateway_svc.adapters.publisher import to_wire
from payment_gateway_svc.adapters.secret_box import SecretBox
from payment_gateway_svc.application.ports import PaymentUnitOfWork, UnitOfWorkFactory
from payment_gateway_svc.domain.events import PaymentEvent


class DatabaseNotifications:
    """Notifications of the unit of work's town."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def add(self, provider: str, external_id: str, attempt_id: UUID, now: datetime) -> bool:
        is_new = await self._uow.fetchval(
            """INSERT INTO notification (tenant_id, provider, external_id, attempt_id, received_at, last_received_at)
               VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (tenant_id, provider, external_id) DO UPDATE
               SET times = notification.times + 1, last_received_at = excluded.last_received_at
               RETURNING times = 1""",
            self._uow.context.tenant_id,
            provider,
            external_id,
            attempt_id,
            now,
        )
        return bool(is_new)


class DatabaseTowns:
    """What is known of the unit of work's town."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    async def is_production(self) -> bool:
        return bool(
            await self._uow.fetchval("SELECT is_production FROM town WHERE tenant_id = $1", self._uow.context.tenant_id)
        )

    async def save(self, version: int, *, is_production: bool) -> None:
        await self._uow.execute(
            """INSERT INTO town (tenant_id, version, is_production) VALUES ($1, $2, $3) ON CONFLICT (tenant_id) DO UPDATE
               SET version = excluded.version, is_production = excluded.is_production
               WHERE town.version < excluded.version""",
            self._uow.context.tenant_id,
            version,
            is_production,
        )


class DatabaseUnitOfWork:
    """Satisfies ``PaymentUnitOfWork``."""

    def __init__(self, uow: UnitOfWork, box: SecretBox) -> None:
        self._uow = uow
        self.attempts = DatabaseAttempts(uow)
        self.settings = DatabaseSettings(uow, box)
        self.notifications = DatabaseNotifications(uow)
        self.towns = DatabaseTowns(uow)

    def publish(self, event: PaymentEvent) -> None:
        self._uow.publish(to_wire(event))

    async def commit(self) -> None:
        await self._uow.commit()


def unit_of_work_factory(database: Database, box: SecretBox) -> UnitOfWorkFactory:
    """New transactions on ``database``."""

    @asynccontextmanager
    async def begin(context: Context) -> AsyncIterator[PaymentUnitOfWork]:
        async with database.unit_of_work(context) as uow:
            yield DatabaseUnitOfWork(uow, box)

    return begin
