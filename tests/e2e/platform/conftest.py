"""The session's platform, with a town of these tests beside the demo towns."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from preau_stack.running import RunningPlatform

from tests.e2e.platform.world import World


@pytest.fixture(scope="session")
async def world(platform: RunningPlatform) -> AsyncIterator[World]:
    world = World(platform)
    await world.open_town()
    yield world
    await world.close()
