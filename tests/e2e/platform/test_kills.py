"""kill -9 of any process in the middle of the main job, under load: the platform comes back and the books are right."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

import pytest
from preau_stack.running import SEPTEMBER_2025, running_platform
from preau_stack.testing import temporary_folder

from tests.e2e.platform.parent import Parent
from tests.e2e.platform.world import World

pytestmark = pytest.mark.timeout(240)
PROCESSES = ("identity", "agenda", "billing", "payment", "gateway", "nats", "postgres")
CROWD = 4
# Between two entries of one family: still quicker than a person is.
_PAUSE_SECONDS = 1.0

Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
async def frail() -> AsyncIterator[World]:
    """A platform of this module alone."""
    with temporary_folder() as folder, running_platform(folder / "data", {"PREAU_NOW": SEPTEMBER_2025}) as platform:
        world = World(platform)
        yield world
        await world.close()


@pytest.fixture(scope="module")
async def crowd(frail: World) -> AsyncIterator[list[Parent]]:
    families = [await frail.family() for _ in range(CROWD)]
    parents = [frail.parent(family) for family in families]
    yield [await parent.__aenter__() for parent in parents]
    for parent in parents:
        await parent.__aexit__(None, None, None)


@pytest.mark.parametrize("process", PROCESSES)
async def test_the_main_job_ends_right_whichever_process_is_killed(
    frail: World, crowd: list[Parent], process: str
) -> None:
    family = await frail.family()
    bugs = len(frail.bugs())
    async with frail.parent(family) as parent, _busy(crowd):
        booked = await _killing(frail, process, 0.01, parent.book("2025-09-01", "2025-09-30"))
        assert (booked["created"], booked["skipped"]) == (72, [])
        assert (await parent.basket())["total"]["minor_units"] == 5400

        invoice = await _killing(frail, process, 0.04, parent.issue())
        assert (invoice["total"]["minor_units"], invoice["line_count"]) == (5400, 72)

        await _killing(frail, process, 0.05, frail.payfip.pay(invoice["payment_url"]))
        # The browser is back and its page asks until it knows.
        await parent.payment(invoice["attempt_id"])
        await parent.settled(invoice["id"], seconds=40)
        assert [each["number"] for each in await parent.invoices()] == [invoice["number"]]

    assert await frail.books.statuses(family.id) == {2: 72}
    assert await frail.books.confirmations(family.id) == 1
    assert await frail.books.payments_of(family.id) == 1
    assert await frail.alerts(family) == []
    await frail.audit("casepilote", "saint-aubin")
    assert not frail.bugs()[bugs:]


async def _killing(world: World, process: str, after: float, work: Awaitable[Answer]) -> Answer:
    """Do ``work``, killing ``process`` while it is under way; go on when everything is healthy again."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(after)
    before = world.platform.pid(process)
    world.platform.kill(process)
    answer = await task

    def is_back() -> None:
        while world.platform.folder.state()["processes"].get(process, before) == before:
            pass
        world.platform.wait_until_healthy()

    await asyncio.to_thread(is_back)
    return answer


@asynccontextmanager
async def _busy(crowd: list[Parent]) -> AsyncIterator[None]:
    """Other families book and delete all the while, patiently."""
    is_over = asyncio.Event()
    tasks = [asyncio.create_task(_come_and_go(parent, is_over)) for parent in crowd]
    try:
        yield
    finally:
        is_over.set()
        turns = await asyncio.gather(*tasks)
    assert all(turn > 0 for turn in turns), turns


async def _come_and_go(parent: Parent, is_over: asyncio.Event) -> int:
    turns = 0
    # What a failed test left.
    await parent.insist("POST", "bulk-entries", parent.entry("2025-10-01", "2025-10-17", action="delete"))
    while not is_over.is_set():
        await asyncio.sleep(_PAUSE_SECONDS)
        assert (await parent.book("2025-10-01", "2025-10-17"))["created"] == 40
        removed = await parent.insist("POST", "bulk-entries", parent.entry("2025-10-01", "2025-10-17", action="delete"))
        assert (removed.status_code, removed.json()["removed"]) == (200, 40), removed.text
        turns += 1
    return turns
