"""What waits together is written together, and nobody pays for another's failure."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from agenda_svc.adapters.db.changes import Write
from agenda_svc.adapters.db.combining import Combiner
from agenda_svc.adapters.db.turns import Turns
from agenda_svc.application.ports import Change

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)


def write_of(household: int, tenant: int = 1) -> Write:
    return Write(tenant, Change(household_key=household, revision=0, now=NOW), None)


class Store:
    """Remembers who was written with whom; each write takes one turn of the loop."""

    def __init__(self, *, can_join: bool = True, bad: Sequence[int] = ()) -> None:
        self.groups: list[list[int]] = []
        self.alone: list[int] = []
        self.under_way = 0
        self.most_under_way = 0
        self._can_join = can_join
        self._bad = bad

    async def write_alone(self, write: Write) -> bool:
        self.alone.append(write.change.household_key)
        await asyncio.sleep(0.001)
        if write.change.household_key in self._bad:
            raise ValueError(write.change.household_key)
        return True

    async def write_together(self, writes: Sequence[Write]) -> bool:
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        self.groups.append([write.change.household_key for write in writes])
        await asyncio.sleep(0.001)
        self.under_way -= 1
        return self._can_join


async def all_of(combiner: Combiner, households: Sequence[int]) -> list[bool | BaseException]:
    """Write the first, and the others while it is under way."""
    first = asyncio.create_task(combiner.write(write_of(households[0])))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = (combiner.write(write_of(household)) for household in households[1:])
    return await asyncio.gather(first, *others, return_exceptions=True)


async def test_the_first_goes_alone_and_those_who_wait_meanwhile_go_together() -> None:
    store = Store()
    combiner = Combiner(store.write_alone, store.write_together, Turns())

    assert await all_of(combiner, range(1, 6)) == [True] * 5

    assert store.alone == [1]
    assert store.groups == [[2, 3, 4, 5]]


async def test_a_group_is_never_larger_than_thirty_two_and_only_one_is_under_way() -> None:
    store = Store()
    combiner = Combiner(store.write_alone, store.write_together, Turns())

    await all_of(combiner, range(71))

    assert [len(group) for group in store.groups] == [32, 32, 6]
    assert store.most_under_way == 1


async def test_two_changes_of_one_household_are_never_in_one_group() -> None:
    store = Store()
    combiner = Combiner(store.write_alone, store.write_together, Turns())

    await all_of(combiner, (9, 1, 2, 1, 3))

    assert store.groups == [[1, 2], [1, 3]]


async def test_towns_do_not_wait_for_each_other() -> None:
    store = Store()
    combiner = Combiner(store.write_alone, store.write_together, Turns())

    await asyncio.gather(combiner.write(write_of(1, tenant=1)), combiner.write(write_of(1, tenant=2)))

    assert store.alone == [1, 1]
    assert store.groups == []


async def test_a_group_that_fails_is_written_one_by_one_and_only_the_bad_one_hears_of_it() -> None:
    store = Store(can_join=False, bad=[3])
    combiner = Combiner(store.write_alone, store.write_together, Turns())

    answers = await all_of(combiner, (1, 2, 3, 4))

    assert store.groups == [[2, 3, 4]]
    assert [answer for answer in answers if answer is True] == [True] * 3
    assert isinstance(answers[2], ValueError)


async def test_who_goes_away_before_his_turn_is_not_written_and_takes_nobody_along() -> None:
    store = Store()
    combiner = Combiner(store.write_alone, store.write_together, Turns())
    tasks = [asyncio.create_task(combiner.write(write_of(household))) for household in (1, 2, 3)]
    await asyncio.sleep(0)

    tasks[1].cancel()

    assert await tasks[0] is True
    assert await tasks[2] is True
    with pytest.raises(asyncio.CancelledError):
        await tasks[1]
    assert (store.alone, store.groups) == ([], [[1, 3]])


async def test_a_line_that_ended_starts_again() -> None:
    store = Store()
    combiner = Combiner(store.write_alone, store.write_together, Turns())

    assert await combiner.write(write_of(1))
    assert await combiner.write(write_of(2))

    assert store.alone == [1, 2]


async def test_nobody_is_left_waiting_when_the_process_ends_in_the_middle_of_a_write() -> None:
    store = Store()
    combiner = Combiner(store.write_alone, store.write_together, Turns())
    waiting = asyncio.create_task(combiner.write(write_of(1)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert store.alone == [1]

    for task in combiner._tasks:
        task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(waiting, 5)
