"""Messages that came before what they build on: kept in the process, in order, and tried again soon."""

from __future__ import annotations

import time
from dataclasses import dataclass

from nats.aio.msg import Msg

PARKED_SECONDS = 20.0
_FIRST_WAIT = 0.05
_LONGEST_WAIT = 1.0


@dataclass(slots=True)
class _Parked:
    message: Msg
    until: float
    wait: float
    next_try: float


class Parking:
    """At most ``limit`` messages, each for ``PARKED_SECONDS`` at most, by their place in the stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parked: dict[int, _Parked] = {}

    def keep(self, message: Msg) -> bool:
        """Keep the message for another try; ``False`` when it has waited long enough, or there is no room."""
        now = time.monotonic()
        place = message.metadata.sequence.stream
        known = self._parked.get(place)
        if known is None:
            if len(self._parked) >= self._limit:
                return False
            self._parked[place] = _Parked(message, now + PARKED_SECONDS, _FIRST_WAIT, now + _FIRST_WAIT)
            return True
        if now >= known.until:
            return False
        known.message = message
        known.wait = min(known.wait * 2, _LONGEST_WAIT)
        known.next_try = now + known.wait
        return True

    def due(self) -> list[Msg]:
        """What is to be tried now, in the order of the stream."""
        now = time.monotonic()
        return [parked.message for _, parked in sorted(self._parked.items()) if parked.next_try <= now]

    def succeeded(self, message: Msg) -> None:
        """The message is done. If it came late itself, it may be what the others wait for."""
        was_parked = self._parked.pop(message.metadata.sequence.stream, None) is not None
        if not was_parked and message.metadata.num_delivered == 1:
            return
        now = time.monotonic()
        for parked in self._parked.values():
            parked.wait = _FIRST_WAIT
            parked.next_try = now

    def forget(self, message: Msg) -> None:
        """The message is somebody else's now."""
        self._parked.pop(message.metadata.sequence.stream, None)

    def clear(self) -> list[Msg]:
        """Everything, given up."""
        messages = self.messages()
        self._parked.clear()
        return messages

    def messages(self) -> list[Msg]:
        """Everything that waits here."""
        return [parked.message for parked in self._parked.values()]
