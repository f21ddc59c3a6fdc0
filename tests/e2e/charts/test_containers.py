"""The one-node profile of the charts, as containers: the main job in a browser, then every service replaced under load."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest
from preau_stack.running import RunningPlatform

from tests.e2e.charts.cluster import Cluster
from tests.e2e.charts.load import Parents
from tests.e2e.charts.podman import missing, podman
from tests.e2e.pages import test_document

pytestmark = [pytest.mark.timeout(900), pytest.mark.skipif(bool(missing()), reason=missing())]

# The very same walk as on the one-machine stack; `platform` is the installation of the charts here.
test_the_documents_seven_steps = test_document.test_the_documents_seven_steps_at_two_widths_with_and_without_scripts


async def test_every_container_runs_as_the_charts_say(cluster: Cluster, platform: RunningPlatform) -> None:
    names = [name for name in podman("ps", "--format", "{{.Names}}").split() if name.startswith("preau-e2e-")]
    ours = [name for name in names if name.endswith(("-serve", "-work", "-nats"))]
    assert len(ours) == len(cluster.deployments()) + 1
    for container in json.loads(podman("inspect", *ours)):
        assert container["HostConfig"]["ReadonlyRootfs"] is True
        assert container["Config"]["User"].startswith("10001")
        assert not container["EffectiveCaps"]
        assert container["HostConfig"]["Memory"] > 0
    with platform.client() as client:
        assert client.get("/health/ready").status_code == 200


async def test_each_service_is_replaced_without_a_failed_request(cluster: Cluster, platform: RunningPlatform) -> None:
    parents = Parents(platform, number=4)
    await parents.start()
    for deployment in cluster.deployments():
        before, failed = parents.answers.asked, len(parents.answers.failed)
        await asyncio.to_thread(cluster.replace, deployment)
        print(f"{deployment}: {parents.answers.asked - before} requests, {parents.answers.failed[failed:]}")  # noqa: T201
        assert parents.answers.asked > before, deployment
    answers = await parents.stop()
    print(f"\n{answers.asked} requests, slowest {answers.slowest:.2f} s, {len(answers.failed)} failed")  # noqa: T201
    assert len(answers.failed) == 0, Counter(answers.failed).most_common(10)
