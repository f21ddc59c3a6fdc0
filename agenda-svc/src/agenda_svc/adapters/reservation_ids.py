"""Reservation numbers by blocks: the process asks the sequence once for 1,024 of them, ahead of need."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from preau_chassis.database import Database
from preau_kernel.errors import DomainError

_BLOCK = 1024
_LOW = 512
_NEXT = "SELECT nextval('reservation_block') FROM generate_series(1, $1)"


class BlockReservationIds:
    """Numbers grow within the process; gaps (a block lost at a restart) mean nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ranges: list[range] = []
        self._left = 0
        self._fetching = asyncio.Lock()
        self._prefetch: asyncio.Task[None] | None = None

    async def take(self, count: int) -> Sequence[int]:
        while self._left < count:
            await self._fetch(count)
        taken: list[int] = []
        while len(taken) < count:
            block = self._ranges[0]
            part = block[: count - len(taken)]
            taken.extend(part)
            rest = block[len(part) :]
            if rest:
                self._ranges[0] = rest
            else:
                del self._ranges[0]
        self._left -= count
        if self._left < _LOW and (self._prefetch is None or self._prefetch.done()):
            self._prefetch = asyncio.get_running_loop().create_task(self._fetch_ahead())
        return taken

    async def _fetch(self, count: int) -> None:
        async with self._fetching:
            if self._left >= count:
                return
            blocks = (count - self._left) // _BLOCK + 1
            for row in await self._database.fetch(_NEXT, blocks):
                start = row[0] * _BLOCK
                self._ranges.append(range(start, start + _BLOCK))
                self._left += _BLOCK

    async def _fetch_ahead(self) -> None:
        try:
            await self._fetch(2 * _BLOCK)
        except DomainError:
            # The database is away; whoever needs numbers will ask again and be told.
            return
