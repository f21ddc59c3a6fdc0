"""A small cache that forgets by time and by size, and lets one caller do the work that many wait for."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ExpiringCache(Generic[Key, Value]):
    """Values with an end each; the oldest go first when full."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._entries: OrderedDict[Key, tuple[float, Value]] = OrderedDict()
        self._running: dict[Key, asyncio.Task[Value]] = {}

    def peek(self, key: Key) -> Value | None:
        """The value if it is known and not over."""
        entry = self._entries.get(key)
        if entry is None or entry[0] <= time.monotonic():
            return None
        return entry[1]

    def put(self, key: Key, value: Value, seconds: float) -> None:
        self._entries[key] = (time.monotonic() + seconds, value)
        self._entries.move_to_end(key)
        while len(self._entries) > self._size:
            self._entries.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Forget a value; one that is being loaded reaches who waits for it, and is not kept."""
        self._entries.pop(key, None)
        self._running.pop(key, None)

    def drop_where(self, is_match: Callable[[Value], bool]) -> None:
        """Forget every value that ``is_match`` names; none that is being loaded is kept: it may be one of them."""
        self._running.clear()
        for key in [key for key, (_, value) in self._entries.items() if is_match(value)]:
            del self._entries[key]

    async def get(self, key: Key, load: Callable[[], Awaitable[tuple[Value, float]]]) -> Value:
        """The value, loaded by ``load`` (value, seconds) when unknown; concurrent callers share one load.

        The load runs in its own task: a caller that goes away does not take the others' answer with it.
        """
        known = self.peek(key)
        if known is not None:
            return known
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(self._load(key, load))
            self._running[key] = task
            task.add_done_callback(lambda done: self._finish(key, done))
        return await asyncio.shield(task)

    async def _load(self, key: Key, load: Callable[[], Awaitable[tuple[Value, float]]]) -> Value:
        value, seconds = await load()
        if self._running.get(key) is asyncio.current_task():
            self.put(key, value, seconds)
        return value

    def _finish(self, key: Key, done: asyncio.Task[Value]) -> None:
        if self._running.get(key) is done:
            del self._running[key]
        if not done.cancelled():
            done.exception()
