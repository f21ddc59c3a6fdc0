"""kill -9 of any container in the middle of the main job, under load: pods, the broker's node, the database's primary."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.e2e.charts.cluster import Cluster
from tests.e2e.charts.podman import missing
from tests.e2e.platform.killing import families, main_job_with_kills
from tests.e2e.platform.parent import Parent
from tests.e2e.platform.world import World

pytestmark = [pytest.mark.timeout(1200), pytest.mark.skipif(bool(missing()), reason=missing())]
CROWD = 3


@pytest.fixture(scope="module")
async def crowd(world: World) -> AsyncIterator[list[Parent]]:
    async with families(world, CROWD) as parents:
        yield parents


async def test_the_main_job_ends_right_whichever_container_is_killed(
    cluster: Cluster, world: World, crowd: list[Parent]
) -> None:
    for workload in cluster.workloads():
        print(f"killing {workload}")  # noqa: T201 - a long test that tells where it is
        await main_job_with_kills(world, crowd, workload)
