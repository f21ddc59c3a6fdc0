"""What the broker says of one consumer: how far behind it is, what is in hand, what was given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from nats.aio.client import Client as Nats
from nats.js.errors import NotFoundError

from preau_chassis.consumers import Consumer
from preau_chassis.logs import get_logger
from preau_chassis.messaging import BROKER_ERRORS, DEAD_LETTER_STREAM
from preau_chassis.metrics import Attributes, gauge

_log = get_logger("inbox")
_LOOK_SECONDS = 10.0


class ConsumerWatch:
    """Asks the broker every ten seconds; the gauges show its last answer."""

    def __init__(self, client: Nats, consumer: Consumer) -> None:
        self._client = client
        self._stream = consumer.stream
        self._durable = consumer.durable
        self._labels: Attributes = {"messaging.consumer.group.name": consumer.durable}
        self._heard = time.monotonic()
        self.pending: int | None = None
        self.ack_pending: int | None = None
        self.dead_letters: int | None = None

    def hear(self) -> None:
        """The broker has just answered a fetch, be it that there is nothing."""
        self._heard = time.monotonic()

    async def run(self) -> None:
        """Look for ever; the gauges are shown meanwhile."""
        show = self._points
        shown = (
            gauge("preau.consumer.pending", "{message}", "Consumer lag.", show(lambda: self.pending)),
            gauge("preau.consumer.ack_pending", "{message}", "Messages in hand.", show(lambda: self.ack_pending)),
            gauge(
                "preau.consumer.fetch_age",
                "s",
                "Since a fetch came back.",
                show(lambda: time.monotonic() - self._heard),
            ),
            gauge("preau.dead_letters", "{message}", "Given up and not yet replayed.", show(lambda: self.dead_letters)),
        )
        try:
            while True:
                await self.look()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for each in shown:
                each.close()

    async def look(self) -> None:
        """Ask now. While the broker is away the last answer stays, and the age of the last fetch tells."""
        manager = self._client.jsm()
        try:
            info = await manager.consumer_info(self._stream, self._durable)
            self.pending, self.ack_pending = info.num_pending, info.num_ack_pending
            self.dead_letters = await self._count_dead_letters()
        except NotFoundError:
            # Not created yet, or its stream is being made again.
            self.pending = self.ack_pending = None
        except BROKER_ERRORS as error:
            _log.debug("consumer.not_seen", consumer=self._durable, error_type=type(error).__name__)

    async def _count_dead_letters(self) -> int:
        subject = f"dlq.{self._durable}"
        try:
            info = await self._client.jsm().stream_info(DEAD_LETTER_STREAM, subjects_filter=subject)
        except NotFoundError:
            return 0
        return (info.state.subjects or {}).get(subject, 0)

    def _points(self, read: Callable[[], float | None]) -> Callable[[], list[tuple[float, Attributes]]]:
        def points() -> list[tuple[float, Attributes]]:
            value = read()
            return [] if value is None else [(value, self._labels)]

        return points
