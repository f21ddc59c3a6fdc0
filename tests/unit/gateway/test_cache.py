from __future__ import annotations

import asyncio

import pytest
from gateway.cache import ExpiringCache


async def test_many_who_ask_at_once_share_one_answer() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(10)
    loads = 0

    async def load() -> tuple[int, float]:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0)
        return 7, 60

    assert await asyncio.gather(*(cache.get("k", load) for _ in range(50))) == [7] * 50
    assert loads == 1


async def test_one_who_leaves_does_not_take_the_answer_along() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(10)
    gate = asyncio.Event()

    async def load() -> tuple[int, float]:
        await gate.wait()
        return 7, 60

    impatient = asyncio.create_task(cache.get("k", load))
    patient = asyncio.create_task(cache.get("k", load))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.sleep(0)
    gate.set()
    assert await patient == 7
    assert impatient.cancelled()


async def test_a_failure_is_told_to_all_and_kept_by_none() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(10)
    answers = [ValueError("first"), 7]

    async def load() -> tuple[int, float]:
        await asyncio.sleep(0)
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(str(answer)), 60

    results = await asyncio.gather(cache.get("k", load), cache.get("k", load), return_exceptions=True)
    assert [type(result) for result in results] == [ValueError, ValueError]
    assert await cache.get("k", load) == 7


def test_the_oldest_go_first_and_the_outdated_are_unknown() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(2)
    for name, value in (("a", 1), ("b", 2), ("c", 3)):
        cache.put(name, value, 60)
    assert [cache.peek(name) for name in "abc"] == [None, 2, 3]
    cache.put("d", 4, 0)
    assert cache.peek("d") is None
    cache.put("e", 5, 60)
    cache.drop_where(lambda value: value == 5)
    assert cache.peek("e") is None


async def test_what_is_over_is_loaded_anew() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(2)
    cache.put("k", 1, -1)

    async def load() -> tuple[int, float]:
        return 2, 60

    assert await cache.get("k", load) == 2
    with pytest.raises(KeyError):
        await cache.get("other", _missing)


async def _missing() -> tuple[int, float]:
    raise KeyError("other")


async def test_what_is_forgotten_while_it_loads_is_not_kept() -> None:
    cache: ExpiringCache[str, int] = ExpiringCache(10)
    gate = asyncio.Event()

    async def stale() -> tuple[int, float]:
        await gate.wait()
        return 1, 60

    async def fresh() -> tuple[int, float]:
        return 2, 60

    waiting = asyncio.create_task(cache.get("k", stale))
    await asyncio.sleep(0)
    cache.drop("k")
    assert await cache.get("k", fresh) == 2
    gate.set()
    assert await waiting == 1
    assert cache.peek("k") == 2

    gate.clear()
    waiting = asyncio.create_task(cache.get("other", stale))
    await asyncio.sleep(0)
    cache.drop_where(lambda value: value == 1)
    gate.set()
    assert await waiting == 1
    assert cache.peek("other") is None
