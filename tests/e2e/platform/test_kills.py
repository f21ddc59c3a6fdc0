"""kill -9 of any process in the middle of the main job, under load: the platform comes back and the books are right."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from preau_stack.running import SEPTEMBER_2025, running_platform
from preau_stack.testing import temporary_folder

from tests.e2e.platform.killing import families, main_job_with_kills
from tests.e2e.platform.parent import Parent
from tests.e2e.platform.world import World

pytestmark = pytest.mark.timeout(240)
PROCESSES = ("identity", "agenda", "billing", "payment", "gateway", "nats", "postgres")
CROWD = 4


@pytest.fixture(scope="module")
async def frail() -> AsyncIterator[World]:
    """A platform of this module alone."""
    with temporary_folder() as folder, running_platform(folder / "data", {"PREAU_NOW": SEPTEMBER_2025}) as platform:
        world = World(platform)
        yield world
        await world.close()


@pytest.fixture(scope="module")
async def crowd(frail: World) -> AsyncIterator[list[Parent]]:
    async with families(frail, CROWD) as parents:
        yield parents


@pytest.mark.parametrize("process", PROCESSES)
async def test_the_main_job_ends_right_whichever_process_is_killed(
    frail: World, crowd: list[Parent], process: str
) -> None:
    await main_job_with_kills(frail, crowd, process)
    await frail.audit("casepilote", "saint-aubin")
