"""Whose turn it is in a town: its groups of reads and of writes take turns, so that each gathers company behind the other.

Left to themselves, reads go one or two at a time while a write is under way, and come to the next write one or two at a
time. Taking turns, whoever read together decides and writes together.
"""

from __future__ import annotations

import asyncio


class Turns:
    """A lock a town, given in the order of asking. There are few towns, so none is ever dropped."""

    def __init__(self) -> None:
        self._locks: dict[int, asyncio.Lock] = {}

    def of_town(self, tenant_id: int) -> asyncio.Lock:
        """To be held with ``async with`` for one group."""
        lock = self._locks.get(tenant_id)
        if lock is None:
            lock = self._locks[tenant_id] = asyncio.Lock()
        return lock

    @staticmethod
    async def let_others_ask() -> None:
        """Between two groups of one kind: those just answered get as far as their next wish first."""
        # A read that was answered is one step away from its write: the answer, what is decided on it, the line.
        for _ in range(3):
            await asyncio.sleep(0)
