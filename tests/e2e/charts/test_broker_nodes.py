"""Three brokers, as the production profile has them: the main job goes on while one of them is gone."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from preau_stack.demo import load_town
from preau_stack.demo_towns import CASEPILOTE
from preau_stack.services import open_services
from preau_stack.testing import temporary_folder

from tests.e2e.charts.cluster import Cluster
from tests.e2e.charts.containers import ContainerPlatform
from tests.e2e.charts.podman import missing
from tests.e2e.platform.killing import families, main_job_with_kills
from tests.e2e.platform.world import World

pytestmark = [pytest.mark.timeout(900), pytest.mark.skipif(bool(missing()), reason=missing())]
BROKERS = 3


@pytest.fixture(scope="module")
async def many_brokers() -> AsyncIterator[Cluster]:
    with temporary_folder() as folder:
        running = Cluster(folder / "data", brokers=BROKERS)
        try:
            running.up()
            services, channels = open_services(running.ports, running.folder.secrets()["service_operator"])
            await load_town(services, CASEPILOTE, running.simulator_url)
            for channel in channels:
                await channel.close()
            yield running
        finally:
            running.down()


async def test_the_main_job_ends_right_whichever_broker_is_killed(many_brokers: Cluster) -> None:
    world = World(ContainerPlatform(many_brokers))
    streams = await world.books.streams()
    assert {stream["config"]["num_replicas"] for stream in streams.values()} == {BROKERS}
    async with families(world, 2) as crowd:
        for broker in many_brokers.brokers():
            print(f"killing {broker}")  # noqa: T201 - a long test that tells where it is
            await main_job_with_kills(world, crowd, broker)
    await world.close()
