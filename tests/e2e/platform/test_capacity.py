"""Two hundred bulk entries at once for forty places: forty are booked, the others are told that it is full."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack

from tests.e2e.platform.parent import Parent
from tests.e2e.platform.world import Family, World

FAMILIES, CHILDREN = 25, 8
PLACES = 40
DAY = "2025-09-10"


async def test_two_hundred_entries_at_once_fill_forty_places_exactly(world: World) -> None:
    families = await asyncio.gather(*(world.family("petit-val", children=CHILDREN) for _ in range(FAMILIES)))
    async with AsyncExitStack() as stack:
        # A few at a time: identity takes thirty sign-ins at once from one address for guessing.
        few = asyncio.Semaphore(8)

        async def come(family: Family) -> Parent:
            async with few:
                return await stack.enter_async_context(world.parent(family))

        parents = await asyncio.gather(*(come(family) for family in families))
        entries = [(parent, child) for parent in parents for child in parent.children]
        answers = await asyncio.gather(*(_book(parent, child) for parent, child in entries))
        outcomes = Counter(answers)
        assert outcomes == {(1, ()): PLACES, (0, ("SESSION_FULL",)): FAMILIES * CHILDREN - PLACES}
        baskets = [await parent.basket() for parent in parents]
        assert sum(basket["count"] for basket in baskets) == PLACES
        assert sum(basket["total"]["minor_units"] for basket in baskets) == PLACES * 800
        # Every place that is given back can be booked again, and no more.
        await asyncio.gather(*(_leave(parent) for parent in parents[:10]))
        left = sum(basket["count"] for basket in baskets[:10])
        again = Counter(await asyncio.gather(*(_book(parent, child) for parent, child in entries)))
        assert again[(1, ())] == left
    await world.audit("petit-val")


async def _book(parent: Parent, child: str) -> tuple[int, tuple[str, ...]]:
    answer = await parent.post("bulk-entries", parent.entry(DAY, DAY, "centre", child_ids=[child]))
    assert answer.status_code == 200, answer.text
    done = answer.json()
    return done["created"], tuple(row["reason"] for row in done["skipped"])


async def _leave(parent: Parent) -> None:
    answer = await parent.post("bulk-entries", parent.entry(DAY, DAY, "centre", action="delete"))
    assert answer.status_code == 200, answer.text
