"""Who waits for a household's revision is woken by the consumer of the same process."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from preau_kernel.context import Context


class LocalRevisionBoard:
    """Wakes waiters of this process; those of another process find out by asking again."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, str], set[asyncio.Event]] = {}

    async def wait(self, context: Context, household_id: str, seconds: float) -> None:
        """Return when the household moved, or after ``seconds``."""
        key = (int(context.tenant_id), household_id)
        event = asyncio.Event()
        self._waiting.setdefault(key, set()).add(event)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await event.wait()
        finally:
            waiting = self._waiting[key]
            waiting.discard(event)
            if not waiting:
                del self._waiting[key]

    def announce(self, tenant_id: int, household_id: str) -> None:
        """Wake who waits for this household, once what moved it is committed."""
        for event in self._waiting.get((tenant_id, household_id), ()):
            event.set()
