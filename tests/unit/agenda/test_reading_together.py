"""What waits together is read together, and what was plenty a moment ago is not read again."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import uuid4

import pytest
from agenda_svc.adapters.db.places import PLENTY, PlacesMemory
from agenda_svc.adapters.db.reading import CombinedReader, CommandQuery, arguments_of_reading
from agenda_svc.adapters.db.turns import Turns
from agenda_svc.application.bulk_entry import _MAX_CHILDREN
from agenda_svc.application.ports import CommandKey, OfferQuery


def query_of(household: str, children: Sequence[str] = ("child",)) -> CommandQuery:
    return CommandQuery(CommandKey("Book", uuid4(), b""), household, children, [1, 2], 1, 2)


class Source:
    """Answers each query with its household's name; each reading takes one turn of the loop."""

    def __init__(self, bad: Sequence[str] = ()) -> None:
        self.groups: list[list[str]] = []
        self._bad = bad

    async def read(self, tenant_id: int, queries: Sequence[CommandQuery]) -> Sequence[str]:
        names = [query.household_id for query in queries]
        self.groups.append(names)
        await asyncio.sleep(0.001)
        if set(names) & set(self._bad):
            raise ValueError(names)
        return [f"{tenant_id} {name}" for name in names]


async def all_of(reader: CombinedReader, names: Sequence[str]) -> list[object]:
    first = asyncio.create_task(reader.read(1, query_of(names[0])))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = (reader.read(1, query_of(name)) for name in names[1:])
    return list(await asyncio.gather(first, *others, return_exceptions=True))


async def test_the_first_is_read_at_once_and_those_who_wait_meanwhile_together() -> None:
    source = Source()

    answers = await all_of(CombinedReader(source.read, Turns()), ["a", "b", "c"])

    assert source.groups == [["a"], ["b", "c"]]
    assert answers == ["1 a", "1 b", "1 c"]


async def test_another_town_does_not_wait() -> None:
    source = Source()
    reader = CombinedReader(source.read, Turns())

    first, second = await asyncio.gather(reader.read(1, query_of("a")), reader.read(2, query_of("b")))

    assert source.groups == [["a"], ["b"]]
    assert (first, second) == ("1 a", "2 b")


async def test_a_query_that_cannot_be_read_fails_alone() -> None:
    source = Source(bad=["c"])

    answers = await all_of(CombinedReader(source.read, Turns()), ["a", "b", "c", "d"])

    assert [answers[0], answers[1], answers[3]] == ["1 a", "1 b", "1 d"]
    assert isinstance(answers[2], ValueError)


async def test_who_goes_away_does_not_take_the_others_along() -> None:
    source = Source()
    reader = CombinedReader(source.read, Turns())
    tasks = [asyncio.create_task(reader.read(1, query_of(name))) for name in ("a", "b", "c")]
    await asyncio.sleep(0)

    tasks[0].cancel()
    tasks[1].cancel()

    assert await tasks[2] == "1 c"
    assert await reader.read(1, query_of("d")) == "1 d"


def test_children_of_several_commands_are_told_by_where_they_begin_and_end() -> None:
    arguments = arguments_of_reading(7, [query_of("a", ["x", "y"]), query_of("b", ["z"])], [5])

    assert list(arguments[4:7]) == [["x", "y", "z"], [1, 3], [2, 3]]
    assert arguments[9] == [5]


def test_only_a_command_that_names_children_and_sessions_is_read_in_company() -> None:
    command = CommandKey("Book", uuid4(), b"")

    assert CommandQuery.of(OfferQuery("a", 1, 2, ["x"], [1], command)) is not None
    assert CommandQuery.of(OfferQuery("a", 1, 2, ["x"], [1])) is None
    assert CommandQuery.of(OfferQuery("a", 1, 2, ["x"], None, command)) is None
    assert CommandQuery.of(OfferQuery("a", 1, 2, None, [1], command)) is None


def test_plenty_is_more_than_any_entry_can_take_of_one_session() -> None:
    assert PLENTY > _MAX_CHILDREN


@pytest.mark.parametrize(
    ("left", "is_kept"), [(None, True), (PLENTY + 1, True), (PLENTY, False), (0, False), (-3, False)]
)
def test_only_what_is_plenty_is_remembered(left: int | None, is_kept: bool) -> None:
    memory = PlacesMemory()
    memory.learn(1, [10], [left])

    assert memory.of_town(1, [10, 11]) == ({10: left} if is_kept else {})
    assert memory.of_town(2, [10]) == {}


def test_what_is_remembered_lasts_seconds_and_less_when_something_was_in_the_way() -> None:
    now = 100.0
    memory = PlacesMemory(lambda: now)
    memory.learn(1, [10, 11], [None, 1000])
    memory.forget(1, [10])
    assert memory.of_town(1, [10, 11]) == {11: 1000}

    now += 6
    assert memory.of_town(1, [10, 11]) == {}
    memory.learn(1, [12], [None])
    assert memory.of_town(1, [11, 12]) == {12: None}
