"""One transaction of one town, as the use cases see it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from preau_chassis.database import Database, IdempotencyKey, UnitOfWork
from preau_kernel.context import Context

from billing_svc.adapters.db.bookings import SqlBookings
from billing_svc.adapters.db.moneys import SqlMoneys
from billing_svc.adapters.db.papers import SqlPapers
from billing_svc.adapters.db.projections import SqlProjections
from billing_svc.adapters.measures import count_invoice
from billing_svc.adapters.publisher import to_message
from billing_svc.application.ports import RequestKey
from billing_svc.domain.events import BillingEvent, InvoiceIssued


class SqlBooks(SqlBookings, SqlPapers, SqlMoneys, SqlProjections):
    """``Books`` on the chassis' unit of work."""

    def __init__(self, uow: UnitOfWork) -> None:
        super().__init__(uow)
        self.replayed = None if uow.replayed is None else uow.replayed.decode()

    def publish(self, event: BillingEvent) -> None:
        self._uow.publish(to_message(event))
        if isinstance(event, InvoiceIssued):
            self._uow.after_commit(partial(count_invoice, self._uow.context.tenant_slug))

    async def commit(self, result: str = "") -> None:
        await self._uow.commit(result.encode())


class SqlBooksFactory:
    """``BooksFactory`` on one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def __call__(self, context: Context, request: RequestKey | None = None) -> AsyncIterator[SqlBooks]:
        key = None if request is None else IdempotencyKey(request.method, UUID(request.request_id), request.fingerprint)
        async with self._database.unit_of_work(context, key) as uow:
            yield SqlBooks(uow)
