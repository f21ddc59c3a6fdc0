"""What the broker says of one consumer: how far behind it is, what is in hand, what was given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from nats.aio.client import Client as Nats
from nats.js.errors import NotFoundError

from preau_chassis.consumers import Consumer
from preau_chassis.logs import get_logger
from preau_chassis.messaging import DEAD_LETTER_STREAM, TRANSIENT_ERRORS
from preau_chassis.metrics import Attributes, gauge
from preau_chassis.pull import PullSubscription

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
        self._pull: PullSubscription | None = None
        self.pending: int | None = None
        self.ack_pending: int | None = None
        self.dead_letters: int | None = None

    @property
    def pull(self) -> PullSubscription | None:
        """The subscription messages come from; replaced after every interruption."""
        return self._pull

    @pull.setter
    def pull(self, pull: PullSubscription) -> None:
        self._heard = self._last_answer()
        self._pull = pull

    @property
    def fetch_age(self) -> float:
        """Seconds since the broker last answered a fetch, be it that there is nothing."""
        return time.monotonic() - self._last_answer()

    async def run(self) -> None:
        """Look for ever; the gauges are shown meanwhile."""
        shown = (
            gauge("preau.consumer.pending", "{message}", "Consumer lag.", self._number(lambda: self.pending)),
            gauge(
                "preau.consumer.ack_pending",
                "{message}",
                "Messages given and not yet acknowledged.",
                self._number(lambda: self.ack_pending),
            ),
            gauge(
                "preau.consumer.fetch_age",
                "s",
                "Since the last fetch came back.",
                self._number(lambda: self.fetch_age),
            ),
            gauge(
                "preau.dead_letters",
                "{message}",
                "Messages given up and not yet replayed.",
                self._number(lambda: self.dead_letters),
            ),
        )
        try:
            while True:
                await self.look()
                await asyncio.sleep(_LOOK_SECONDS)
        finally:
            for each in shown:
                each.close()

    async def look(self) -> None:
        """Ask now. While the broker is away the last answer stays, and ``fetch_age`` tells."""
        manager = self._client.jsm()
        try:
            info = await manager.consumer_info(self._stream, self._durable)
            self.pending, self.ack_pending = info.num_pending, info.num_ack_pending
            self.dead_letters = await self._count_dead_letters()
        except NotFoundError:
            # Not created yet, or its stream is being made again.
            self.pending = self.ack_pending = None
        except TRANSIENT_ERRORS as error:
            _log.debug("consumer.not_seen", consumer=self._durable, error_type=type(error).__name__)

    async def _count_dead_letters(self) -> int:
        subject = f"dlq.{self._durable}"
        try:
            info = await self._client.jsm().stream_info(DEAD_LETTER_STREAM, subjects_filter=subject)
        except NotFoundError:
            return 0
        return (info.state.subjects or {}).get(subject, 0)

    def _last_answer(self) -> float:
        return max(self._heard, self._pull.answered_at) if self._pull is not None else self._heard

    def _number(self, read: Callable[[], float | None]) -> Callable[[], list[tuple[float, Attributes]]]:
        def points() -> list[tuple[float, Attributes]]:
            value = read()
            return [] if value is None else [(value, self._labels)]

        return points
