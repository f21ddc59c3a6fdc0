"""A small service of the test's own ("billing" by name, so that its roles exist) in a database of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
import pytest_asyncio
from nats.aio.client import Client as Nats
from preau_chassis.database import Database
from preau_chassis.messaging import close_nats, connect_nats
from preau_chassis.migrations import run_migrations
from preau_kernel.context import Context
from preau_kernel.ids import TenantId, TenantSlug
from preau_stack.broker import Broker
from preau_stack.postgres import PostgresServer, psql
from preau_stack.testing import TestParts

MIGRATIONS = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True)
class Urls:
    owner: str
    app: str
    work: str


def context(number: int = 1, slug: str = "casepilote") -> Context:
    return Context(TenantId(number), TenantSlug(slug), "tester", frozenset({"guardian"}), "household")


@pytest.fixture(scope="session")
def urls(postgres: PostgresServer, parts: TestParts) -> Urls:
    """The database ``chassis_test``, with the roles of billing."""
    psql(postgres.url(), "CREATE DATABASE chassis_test OWNER billing_owner;")
    known = parts.databases["billing"]

    def moved(url: str) -> str:
        return urlunsplit(urlsplit(url)._replace(path="/chassis_test"))

    return Urls(moved(known.owner_url), moved(known.app_url), moved(known.work_url))


@pytest_asyncio.fixture(scope="session")
async def migrated_urls(urls: Urls) -> Urls:
    await run_migrations(urls.owner, MIGRATIONS)
    return urls


@pytest_asyncio.fixture
async def database(migrated_urls: Urls) -> AsyncIterator[Database]:
    database = Database(migrated_urls.app, pool_size=4, application_name="chassis test")
    yield database
    await database.close()


@pytest_asyncio.fixture
async def work_database(migrated_urls: Urls) -> AsyncIterator[Database]:
    database = Database(migrated_urls.work, pool_size=3, application_name="chassis test work")
    yield database
    await database.close()


@pytest_asyncio.fixture
async def nats_client(broker: Broker) -> AsyncIterator[Nats]:
    client = await connect_nats(broker.url, "chassis test")
    yield client
    await close_nats(client)


@pytest_asyncio.fixture
async def clean(nats_client: Nats) -> None:
    """No stream of an earlier test."""
    manager = nats_client.jsm()
    for stream in await manager.streams_info():
        if stream.config.name in {"BILLING", "DLQ"}:
            await manager.delete_stream(stream.config.name)


@pytest_asyncio.fixture(autouse=True)
async def empty_tables(work_database: Database) -> None:
    for table in ("outbox", "inbox", "idempotency", "effect"):
        await work_database.execute(f"DELETE FROM {table}")
