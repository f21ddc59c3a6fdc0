"""Every suite here runs twice: on the stores the unit tests use, and on PostgreSQL."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from os import urandom

import pytest
from billing_svc.adapters.db.books import SqlBooksFactory
from billing_svc.adapters.db.desk import SqlInvoiceDesk
from payment_gateway_svc.adapters.db.unit_of_work import unit_of_work_factory
from payment_gateway_svc.adapters.secret_box import SecretBox
from payment_gateway_svc.application.ports import UnitOfWorkFactory
from preau_chassis.database import Database
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug

from tests.contract.repositories.billing_town import BillingTown
from tests.contract.repositories.books_in_memory import MemoryBilling
from tests.contract.repositories.payments_in_memory import MemoryPayments

_towns = itertools.count(70_001)
IMPLEMENTATIONS = ("memory", "postgresql")


def make_town() -> Context:
    number = next(_towns)
    return Context.system(TenantId(number), TenantSlug(f"town-{number}"))


@pytest.fixture
def town() -> Context:
    """A town that nobody else writes to."""
    return make_town()


@pytest.fixture
def other_town() -> Context:
    return make_town()


@pytest.fixture(params=IMPLEMENTATIONS)
async def payments(request: pytest.FixtureRequest) -> AsyncIterator[UnitOfWorkFactory]:
    if request.param == "memory":
        yield MemoryPayments().begin
        return
    database = Database(request.getfixturevalue("migrated")("payment").app_url, pool_size=2)
    yield unit_of_work_factory(database, SecretBox([urandom(32)]))
    await database.close()


@pytest.fixture(params=IMPLEMENTATIONS)
async def billing(request: pytest.FixtureRequest, town: Context) -> AsyncIterator[BillingTown]:
    """A town with its prices and its till, and one household."""
    if request.param == "memory":
        memory = MemoryBilling()
        yield await BillingTown.make(town, memory.books, memory)
        return
    database = Database(request.getfixturevalue("migrated")("billing").app_url, pool_size=2)
    yield await BillingTown.make(town, SqlBooksFactory(database), SqlInvoiceDesk(database))
    await database.close()
