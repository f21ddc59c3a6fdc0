"""The installation, once; journeys of other folders run against it by the fixture `platform`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
from preau_stack.demo import load_town
from preau_stack.demo_towns import CASEPILOTE
from preau_stack.running import RunningPlatform
from preau_stack.services import open_services
from preau_stack.testing import temporary_folder

from tests.e2e.charts.cluster import Cluster
from tests.e2e.charts.containers import ContainerPlatform
from tests.e2e.charts.podman import missing
from tests.e2e.pages.conftest import browser, open_page
from tests.e2e.platform.world import World

__all__ = ["browser", "open_page"]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    if reason := missing():
        pytest.skip(reason)
    with temporary_folder() as folder:
        running = Cluster(folder / "data")
        try:
            running.up()
            assert running.left(), "what is to be torn down is found by its name"
            yield running
        finally:
            running.down()
        assert running.left() == []


@pytest.fixture(scope="session")
async def platform(cluster: Cluster) -> RunningPlatform:
    """As `preau up` would give it, with its first town."""
    services, channels = open_services(cluster.ports, cluster.folder.secrets()["service_operator"])
    await load_town(services, CASEPILOTE, cluster.simulator_url)
    for channel in channels:
        await channel.close()
    return ContainerPlatform(cluster)


@pytest.fixture(scope="module")
async def world(platform: RunningPlatform) -> AsyncIterator[World]:
    world = World(platform)
    yield world
    await world.close()
