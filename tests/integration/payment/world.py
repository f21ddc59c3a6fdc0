"""The service's parts on a real database, with a provider the test answers for."""

from __future__ import annotations

import base64
import itertools
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from payment_gateway_svc.adapters.db.unit_of_work import unit_of_work_factory
from payment_gateway_svc.application.create_payment import CreatePayment
from payment_gateway_svc.application.ports import ProviderSettings
from payment_gateway_svc.bootstrap import World as Parts
from payment_gateway_svc.bootstrap import make_use_cases
from payment_gateway_svc.domain.attempt import PaymentAttempt
from payment_gateway_svc.entrypoints.grpc import UseCases
from payment_gateway_svc.settings import PaymentSettings
from preau_chassis.database import Database
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug, UuidV7Factory
from preau_stack.databases import ServiceDatabase
from pydantic import SecretStr

from tests.unit.payment.fakes import FakeProvider, make_clock, make_order

_numbers = itertools.count(1000)
KEY = base64.b64encode(os.urandom(32)).decode()
SETTINGS = {"client_number": "090909", "mode": "T"}


class UniqueProvider(FakeProvider):
    """References differ between tests, as real ones do."""

    async def create(self, *arguments: Any) -> Any:
        from dataclasses import replace

        return replace(await super().create(*arguments), provider_ref=str(uuid4()))


class World:
    def __init__(self, database: ServiceDatabase) -> None:
        self.urls = database
        self.app = Database(database.app_url, pool_size=4)
        self.work = Database(database.work_url, pool_size=2)
        self.provider = UniqueProvider()
        self.clock = make_clock()
        self.settings = PaymentSettings(encryption_key=SecretStr(KEY))

    @property
    def use_cases(self) -> UseCases:
        return self.use_cases_with(self.settings)

    def use_cases_with(self, settings: PaymentSettings) -> UseCases:
        return make_use_cases(Parts(settings, self.app, self.work, self.provider, self.clock, UuidV7Factory()))

    async def close(self) -> None:
        await self.app.close()
        await self.work.close()

    async def make_town(self) -> Town:
        number = next(_numbers)
        town = Town(
            self, Context(TenantId(number), TenantSlug(f"town-{number}"), "service:billing", frozenset({"service"}))
        )
        await self.use_cases.configure(ProviderSettings("payfip", SETTINGS), town.operator)
        return town

    @asynccontextmanager
    async def connect(self, tenant_id: int | None = None, url: str = "") -> AsyncIterator[Any]:
        """A plain connection of the app role, in a transaction for one town."""
        connection = await asyncpg.connect(url or self.urls.app_url)
        try:
            async with connection.transaction():
                if tenant_id is not None:
                    await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(tenant_id))
                yield connection
        finally:
            await connection.close()


class Town:
    def __init__(self, world: World, context: Context) -> None:
        self.world = world
        self.context = context
        self.number = int(context.tenant_id)

    @property
    def operator(self) -> Context:
        return Context(self.context.tenant_id, self.context.tenant_slug, "service:operator", frozenset({"operator"}))

    async def create(self, request_id: UUID | None = None, request_hash: bytes = b"h") -> PaymentAttempt:
        command = CreatePayment(request_id or uuid4(), request_hash, f"invoice-{self.number}", make_order())
        return await self.world.use_cases.create(command, self.context)

    async def stored(self, attempt_id: UUID) -> PaymentAttempt:
        async with unit_of_work_factory(self.world.app, self.world.settings.secret_box())(self.context) as uow:
            attempt = await uow.attempts.find(attempt_id)
        assert attempt is not None
        return attempt

    async def events(self) -> list[str]:
        """The types of what was published, in order."""
        async with self.world.connect(self.number) as connection:
            rows = await connection.fetch("SELECT type FROM outbox ORDER BY id")
        return [row["type"].rpartition(".")[2] for row in rows]
