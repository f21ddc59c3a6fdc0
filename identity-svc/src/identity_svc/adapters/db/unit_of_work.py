"""The use cases' unit of work on the chassis's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from preau_chassis.database import Database
from preau_chassis.database import UnitOfWork as Transaction
from preau_kernel.context import Context
from preau_kernel.ids import TenantId

from identity_svc.adapters.db.accounts import PostgresAccounts, PostgresResets
from identity_svc.adapters.db.answers import PostgresAnswers
from identity_svc.adapters.db.households import PostgresHouseholds
from identity_svc.adapters.db.mail import PostgresHousekeeping, PostgresMailQueue
from identity_svc.adapters.db.sessions import PostgresSessions, PostgresThrottle
from identity_svc.adapters.db.tenants import PostgresTenants
from identity_svc.adapters.publisher import integration_event
from identity_svc.application.ports import UnitOfWork
from identity_svc.domain.events import DomainEvent


class PostgresUnitOfWork:
    """One transaction for one town."""

    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self.tenants = PostgresTenants(transaction, tenant_id)
        self.throttle = PostgresThrottle(transaction, tenant_id)
        self.accounts = PostgresAccounts(transaction, tenant_id)
        self.sessions = PostgresSessions(transaction, tenant_id)
        self.resets = PostgresResets(transaction, tenant_id)
        self.households = PostgresHouseholds(transaction, tenant_id)
        self.mail = PostgresMailQueue(transaction, tenant_id)
        self.answers = PostgresAnswers(transaction, tenant_id)
        self.housekeeping = PostgresHousekeeping(transaction, tenant_id)

    def publish(self, event: DomainEvent) -> None:
        self._transaction.publish(integration_event(event))

    async def commit(self) -> None:
        await self._transaction.commit()


class PostgresUnitOfWorkFactory:
    def __init__(self, database: Database) -> None:
        self._database = database

    def __call__(self, context: Context) -> AbstractAsyncContextManager[UnitOfWork]:
        return self._open(context)

    @asynccontextmanager
    async def _open(self, context: Context) -> AsyncIterator[UnitOfWork]:
        async with self._database.unit_of_work(context) as transaction:
            yield PostgresUnitOfWork(transaction, context.tenant_id)
