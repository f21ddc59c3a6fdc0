"""What waits together is written together: one transaction for many households' entries.

A commit and its statements cost more than the rows of a month. While one write of a town is under way the next ones
gather, and go together when it ends. Nobody is ever made to wait for company: who finds the way free goes at once.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from agenda_svc.adapters.db.changes import Write
from agenda_svc.adapters.db.turns import Turns

_MOST = 32

Alone = Callable[[Write], Awaitable[bool]]
Together = Callable[[Sequence[Write]], Awaitable[bool]]
_Waiting = tuple[Write, "asyncio.Future[bool]"]


class Combiner:
    """Writes changes one by one (``alone``) or in company (``together``, which answers whether it did them, all or none)."""

    def __init__(self, alone: Alone, together: Together, turns: Turns) -> None:
        self._turns = turns
        self._alone = alone
        self._together = together
        self._lines: dict[int, deque[_Waiting]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def write(self, write: Write) -> bool:
        """What ``alone`` answers for this change, whichever way it goes."""
        line = self._lines.get(write.tenant_id)
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if line is not None:
            line.append((write, future))
            return await future
        self._lines[write.tenant_id] = deque([(write, future)])
        # A task of its own, without the caller's trace and deadline: who goes away must not take the others along.
        task = asyncio.create_task(self._serve(write.tenant_id), context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await future

    async def _serve(self, tenant_id: int) -> None:
        line = self._lines[tenant_id]
        turn = self._turns.of_town(tenant_id)
        try:
            while line:
                async with turn:
                    await self._write_group(_next_group(line))
        finally:
            del self._lines[tenant_id]
            for _, future in line:
                future.cancel()

    async def _write_group(self, group: Sequence[_Waiting]) -> None:
        try:
            if len(group) > 1 and await self._together([write for write, _ in group]):
                for _, future in group:
                    _answer(future, is_done=True)
            else:
                await asyncio.gather(*(self._write_alone(write, future) for write, future in group))
        finally:
            # Nobody waits for an answer that can no longer come.
            for _, future in group:
                future.cancel()

    async def _write_alone(self, write: Write, future: asyncio.Future[bool]) -> None:
        try:
            is_done = await self._alone(write)
        except Exception as error:  # noqa: BLE001 - every waiter learns of it
            if not future.done():
                future.set_exception(error)
        else:
            _answer(future, is_done=is_done)


def _next_group(line: deque[_Waiting]) -> list[_Waiting]:
    """From the head of the line, one change a household; a second one of the same household waits for the first."""
    group: list[_Waiting] = []
    households: set[int] = set()
    while line and len(group) < _MOST:
        write, future = line[0]
        if write.change.household_key in households:
            break
        line.popleft()
        if not future.done():
            households.add(write.change.household_key)
            group.append((write, future))
    return group


def _answer(future: asyncio.Future[bool], *, is_done: bool) -> None:
    if not future.done():
        future.set_result(is_done)
