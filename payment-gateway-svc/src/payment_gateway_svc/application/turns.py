"""Who asks the provider about an attempt when many want to know at once."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

AT_ONCE = 2
"""A look-up that hangs must not keep the next one waiting."""


@dataclass(slots=True)
class _Turn:
    gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    asked: int = 0
    """When the last look-up that came to its end was begun."""
    present: int = 0


class Turns:
    """Of one process. Anybody may play a notification again as often as they like: an attempt is asked about by few at a
    time, and whoever waited while somebody else asked needs not ask as well.
    """

    def __init__(self) -> None:
        self._turns: dict[UUID, _Turn] = {}
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def of(self, attempt_id: UUID) -> AsyncIterator[bool]:
        """Whether to ask; if not, a look-up that was begun after this call was made has come to its end."""
        arrived = next(self._numbers)
        turn = self._turns.setdefault(attempt_id, _Turn())
        turn.present += 1
        try:
            async with turn.gate:
                begun = next(self._numbers)
                must_ask = turn.asked < arrived
                yield must_ask
                if must_ask:
                    turn.asked = max(turn.asked, begun)
        finally:
            turn.present -= 1
            if not turn.present:
                del self._turns[attempt_id]
