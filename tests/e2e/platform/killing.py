"""The main job with a process killed at each of its steps, beside other families; on the stack and in containers alike."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import TypeVar

from tests.e2e.platform.parent import Parent
from tests.e2e.platform.world import World

# Between two entries of one family: still quicker than a person is.
_PAUSE_SECONDS = 1.0
_BACK_SECONDS = 60.0

Answer = TypeVar("Answer")


async def main_job_with_kills(world: World, crowd: list[Parent], process: str) -> None:
    """Book, invoice, pay; ``process`` is killed during each. Then everything is as if nothing had happened."""
    family = await world.family()
    bugs = len(world.bugs())
    async with world.parent(family) as parent, _busy(crowd):
        booked = await _killing(world, process, 0.01, parent.book("2025-09-01", "2025-09-30"))
        assert (booked["created"], booked["skipped"]) == (72, [])
        assert (await parent.basket())["total"]["minor_units"] == 5400

        invoice = await _killing(world, process, 0.04, parent.issue())
        assert (invoice["total"]["minor_units"], invoice["line_count"]) == (5400, 72)

        await _killing(world, process, 0.05, world.payfip.pay(invoice["payment_url"]))
        # The browser is back and its page asks until it knows.
        await parent.payment(invoice["attempt_id"])
        await parent.settled(invoice["id"], seconds=40)
        assert [each["number"] for each in await parent.invoices()] == [invoice["number"]]

    assert await world.books.statuses(family.id) == {2: 72}
    assert await world.books.confirmations(family.id) == 1
    assert await world.books.payments_of(family.id) == 1
    assert await world.alerts(family) == []
    await world.audit(family.slug)
    assert not world.bugs()[bugs:]


@asynccontextmanager
async def families(world: World, number: int) -> AsyncIterator[list[Parent]]:
    """As many families, signed in."""
    parents = [world.parent(await world.family()) for _ in range(number)]
    try:
        yield [await parent.__aenter__() for parent in parents]
    finally:
        for parent in parents:
            await parent.__aexit__(None, None, None)


async def _killing(world: World, process: str, after: float, work: Awaitable[Answer]) -> Answer:
    """Do ``work``, killing ``process`` while it is under way; go on when everything is healthy again."""
    task = asyncio.ensure_future(work)
    await asyncio.sleep(after)
    before = world.platform.pid(process)
    world.platform.kill(process)
    answer = await task

    def wait_until_back() -> None:
        deadline = time.monotonic() + _BACK_SECONDS
        while not world.platform.is_back(process, before):
            assert time.monotonic() < deadline, f"{process} did not come back"
            time.sleep(0.02)
        world.platform.wait_until_healthy()

    await asyncio.to_thread(wait_until_back)
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
