"""Whether what must go round in a process goes round: each loop says so at each turn, and by when it will again.

Turning is not succeeding. A loop whose database or broker is away turns all the same, for a restart would cure nothing;
what does not turn is a connection that neither answers nor ends, or a subscription that went deaf.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import nats.errors
from nats.aio.client import Client as Nats

from preau_chassis.logs import get_logger

_log = get_logger("pulse")

LOOP_SECONDS = 120.0
"""The longest a loop may take for one turn: far beyond every time-out on its way."""
JOB_SECONDS = 900.0
"""The longest a timed job may run."""
_PING_SECONDS = 5

Beat = Callable[[], None]


def no_beat() -> None:
    """Of a loop that nobody watches."""


def _always() -> bool:
    return True


class Pulse:
    """The loops of one process. ``clock`` gives monotonic seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._loops: dict[str, _Loop] = {}

    def watch(self, name: str, within: float = LOOP_SECONDS, *, while_: Callable[[], bool] = _always) -> Beat:
        """From now on ``name`` must call the answer every ``within`` seconds, as long as ``while_`` says so."""
        loop = _Loop(name, within, while_, self._clock)
        self._loops[name] = loop
        return loop.beat

    def is_alive(self) -> bool:
        """Whether all of them turn; a line is logged when one has stopped, and when it turns again."""
        stopped = [loop for loop in self._loops.values() if not loop.is_turning()]
        return not stopped


class _Loop:
    def __init__(self, name: str, within: float, while_: Callable[[], bool], clock: Callable[[], float]) -> None:
        self._name = name
        self._within = within
        self._while = while_
        self._clock = clock
        self._is_told = False
        self._due = clock() + within

    def beat(self) -> None:
        self._due = self._clock() + self._within

    def is_turning(self) -> bool:
        if not self._while():
            # Once it is to turn again it has its whole time.
            self.beat()
        is_turning = self._clock() <= self._due
        if is_turning is self._is_told:
            self._is_told = not is_turning
            log = _log.info if is_turning else _log.error
            log("loop.turning" if is_turning else "loop.stopped", kind=self._name)
        return is_turning


async def ping_broker(client: Nats, beat: Beat) -> None:
    """Beat as long as the connection either answers or is known to be lost: one that does neither never comes back."""
    while True:
        try:
            if client.is_connected:
                await client.flush(_PING_SECONDS)
            beat()
        except (nats.errors.Error, TimeoutError, OSError):
            _log.debug("broker.silent")
        await asyncio.sleep(_PING_SECONDS)
