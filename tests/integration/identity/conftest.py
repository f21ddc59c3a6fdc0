from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from preau_stack.databases import ServiceDatabase
from preau_stack.testing import TestParts

from tests.integration.identity.world import Town, World, running_world


@pytest.fixture(scope="session")
def identity_database(migrated: Callable[[str], ServiceDatabase]) -> ServiceDatabase:
    return migrated("identity")


@pytest.fixture(scope="session")
async def world(
    identity_database: ServiceDatabase, parts: TestParts, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """One server for the tests of this folder; each test makes its own town in it."""
    folder: Path = tmp_path_factory.mktemp("identity")
    keys = Path(parts.environment("identity")["PREAU_SIGNING_KEY_DIR"])
    async with running_world(identity_database, folder, signing_key_dir=keys) as running:
        yield running


@pytest.fixture
async def town(world: World) -> Town:
    return await world.make_town()


@pytest.fixture
async def family(town: Town) -> Town:
    """A town with one family whose first guardian signs in as ``parent.demo``."""
    await town.add_household()
    return town
