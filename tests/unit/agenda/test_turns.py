"""A town's groups of reads and of writes take turns, so that each gathers company behind the other."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

from agenda_svc.adapters.db.changes import Write
from agenda_svc.adapters.db.combining import Combiner
from agenda_svc.adapters.db.reading import CombinedReader, CommandQuery
from agenda_svc.adapters.db.turns import Turns
from agenda_svc.application.ports import Change, CommandKey

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)


def write_of(household: int, tenant: int = 1) -> Write:
    return Write(tenant, Change(household_key=household, revision=0, now=NOW), None)


def query_of(number: int) -> CommandQuery:
    return CommandQuery(CommandKey("Book", uuid4(), b""), f"household {number}", ("child",), [1], 1, 1)


class Database:
    """Takes its time, and remembers how many went together and whether two groups of a town were ever at it at once."""

    def __init__(self) -> None:
        self.reads: list[int] = []
        self.writes: list[int] = []
        self.overlapped = False
        self._busy: set[int] = set()

    async def _take_time(self, tenant: int) -> None:
        self.overlapped = self.overlapped or tenant in self._busy
        self._busy.add(tenant)
        await asyncio.sleep(0.002)
        self._busy.discard(tenant)

    async def read(self, tenant: int, queries: Sequence[CommandQuery]) -> Sequence[str]:
        self.reads.append(len(queries))
        await self._take_time(tenant)
        return ["offer"] * len(queries)

    async def write_together(self, writes: Sequence[Write]) -> bool:
        self.writes.append(len(writes))
        await self._take_time(writes[0].tenant_id)
        return True

    async def write_alone(self, write: Write) -> bool:
        return await self.write_together([write])


async def test_who_reads_together_writes_together() -> None:
    database = Database()
    turns = Turns()
    reader = CombinedReader(database.read, turns)
    combiner = Combiner(database.write_alone, database.write_together, turns)

    async def client(number: int) -> None:
        for _ in range(6):
            await reader.read(1, query_of(number))
            assert await combiner.write(write_of(number))
            await asyncio.sleep(0.0005)

    await asyncio.gather(*(client(number) for number in range(12)))

    assert not database.overlapped
    assert sum(database.reads) == sum(database.writes) == 72
    # One at a time they would be 72; left to themselves about 40.
    assert len(database.reads) <= 24
    assert len(database.writes) <= 24


async def test_towns_do_not_wait_for_each_other() -> None:
    turns = Turns()
    async with turns.of_town(1):
        combiner = Combiner(Database().write_alone, Database().write_together, turns)
        async with asyncio.timeout(1):
            assert await combiner.write(write_of(1, tenant=2))


async def test_a_read_waits_for_the_write_under_way_and_no_longer() -> None:
    turns = Turns()
    reader = CombinedReader(Database().read, turns)
    async with turns.of_town(1):
        reading = asyncio.create_task(reader.read(1, query_of(1)))
        await asyncio.sleep(0.01)
        assert not reading.done()
    async with asyncio.timeout(1):
        assert await reading == "offer"
