"""Commands of a town that wait together are read together: one round trip for many households' offers.

As with writing (``combining.py``), who finds the way free goes at once; the next ones gather behind it.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain
from typing import Any

from agenda_svc.adapters.db.turns import Turns
from agenda_svc.application.ports import CommandKey, OfferQuery

_MOST = 32

READ_MANY = f"SELECT * FROM agenda_read_offers({', '.join(f'${number}' for number in range(1, 11))})"


@dataclass(frozen=True, slots=True)
class CommandQuery:
    """An offer asked for by a command that names its children and its sessions."""

    command: CommandKey
    household_id: str
    child_ids: Sequence[str]
    session_keys: Sequence[int]
    first_key: int
    last_key: int

    @staticmethod
    def of(query: OfferQuery) -> CommandQuery | None:
        """Nothing for a query of another kind."""
        if query.command is None or query.child_ids is None or query.session_keys is None:
            return None
        return CommandQuery(
            query.command, query.household_id, query.child_ids, query.session_keys, query.first_key, query.last_key
        )


Together = Callable[[int, Sequence[CommandQuery]], Awaitable[Sequence[Any]]]
_Waiting = tuple[CommandQuery, "asyncio.Future[Any]"]


class CombinedReader:
    """Reads queries in company. ``together`` answers each in its place."""

    def __init__(self, together: Together, turns: Turns) -> None:
        self._turns = turns
        self._together = together
        self._lines: dict[int, deque[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def read(self, tenant_id: int, query: CommandQuery) -> Any:
        """What ``together`` answers for this query."""
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        line = self._lines.get(tenant_id)
        if line is not None:
            line.append((query, future))
            return await future
        self._lines[tenant_id] = deque([(query, future)])
        # A task of its own, without the caller's trace and deadline: who goes away must not take the others along.
        task = asyncio.create_task(self._serve(tenant_id), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await future

    async def _serve(self, tenant_id: int) -> None:
        line = self._lines[tenant_id]
        turn = self._turns.of_town(tenant_id)
        try:
            while line:
                async with turn:
                    await self._serve_group(tenant_id, line)
                await self._turns.let_others_ask()
        finally:
            del self._lines[tenant_id]
            for _, future in line:
                future.cancel()

    async def _serve_group(self, tenant_id: int, line: deque[_Waiting]) -> None:
        waiting = [line.popleft() for _ in range(min(_MOST, len(line)))]
        group = [(query, future) for query, future in waiting if not future.done()]
        try:
            await self._read_group(tenant_id, group)
        finally:
            for _, future in group:
                future.cancel()

    async def _read_group(self, tenant_id: int, group: Sequence[_Waiting]) -> None:
        try:
            answers = await self._together(tenant_id, [query for query, _ in group]) if group else ()
        except Exception as error:  # noqa: BLE001 - every waiter learns of it
            if len(group) == 1:
                _fail(group[0][1], error)
                return
            # What one of them asked for must not fail the others.
            for each in group:
                await self._read_group(tenant_id, [each])
        else:
            for (_, future), answer in zip(group, answers, strict=True):
                if not future.done():
                    future.set_result(answer)


def arguments_of_reading(
    tenant_id: int, queries: Sequence[CommandQuery], session_keys: Sequence[int]
) -> tuple[Any, ...]:
    """For ``agenda_read_offers``."""
    ends = list(accumulate(len(query.child_ids) for query in queries))
    return (
        tenant_id,
        [query.command.method for query in queries],
        [query.command.request_id for query in queries],
        [query.household_id for query in queries],
        list(chain.from_iterable(query.child_ids for query in queries)),
        [1, *(end + 1 for end in ends[:-1])],
        ends,
        [query.first_key for query in queries],
        [query.last_key for query in queries],
        session_keys,
    )


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
