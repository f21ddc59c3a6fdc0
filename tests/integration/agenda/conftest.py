"""The agenda's real database under its real roles."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from preau_chassis.database import Database
from preau_stack.databases import ServiceDatabase

from tests.integration.agenda.world import World


@pytest.fixture(scope="session")
def agenda_urls(migrated: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    return migrated("agenda")


@pytest.fixture(scope="session")
async def agenda_database(agenda_urls: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(agenda_urls.app_url, pool_size=8, application_name="agenda tests")
    yield database
    await database.close()


@pytest.fixture(scope="session")
async def agenda_work_database(agenda_urls: ServiceDatabase) -> AsyncIterator[Database]:
    database = Database(agenda_urls.work_url, pool_size=2, application_name="agenda tests")
    yield database
    await database.close()


@pytest.fixture
async def new_world(agenda_database: Database, agenda_work_database: Database) -> Callable[..., Awaitable[World]]:
    """A town without activities, in the seed's time zone unless said otherwise."""

    async def make(zone: str = "America/Martinique", **fields: Any) -> World:
        return await World(agenda_database, agenda_work_database).found(zone, **fields)

    return make


@pytest.fixture
async def world(new_world: Callable[..., Awaitable[World]]) -> World:
    """Case-Pilote: the document's seven activities, September open."""
    return await (await new_world()).with_activities()
