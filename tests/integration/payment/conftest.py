from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest
from preau_stack.databases import ServiceDatabase

from tests.integration.payment.world import Town, World


@pytest.fixture
async def world(migrated: Callable[[str], ServiceDatabase]) -> AsyncIterator[World]:
    world = World(migrated("payment"))
    yield world
    await world.close()


@pytest.fixture
async def town(world: World) -> Town:
    return await world.make_town()
