"""How late the event loop is: the one queue in which everything in a process waits."""

from __future__ import annotations

import asyncio
import time

from preau_chassis.metrics import histogram

_TICK_SECONDS = 0.5
_lag = histogram("preau.event_loop.lag", "s", "How late the event loop came to a timer.")


async def watch_event_loop() -> None:
    """Measure for ever how late a timer of half a second is."""
    while True:
        due = time.monotonic() + _TICK_SECONDS
        await asyncio.sleep(_TICK_SECONDS)
        _lag.record(max(0.0, time.monotonic() - due))
