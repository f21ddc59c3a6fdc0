"""Runs one consumer: messages in stream order, each in one unit of work with its inbox row, or several that waited."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence

from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.js import api

from preau_chassis.consumer_watch import ConsumerWatch
from preau_chassis.consumers import Consumer, header_of
from preau_chassis.database import Database
from preau_chassis.dead_letters import REPLAY_HEADER
from preau_chassis.logs import get_logger
from preau_chassis.message_handler import MAX_DELIVER, MessageHandler
from preau_chassis.messaging import BROKER_ERRORS, BROKER_RETRY_SECONDS, DEAD_LETTER_STREAM, ensure_stream
from preau_chassis.parking import Parking
from preau_chassis.pull import PullSubscription
from preau_chassis.pulse import Beat, no_beat

_log = get_logger("inbox")

ACK_WAIT_SECONDS = 10.0
# Room for what waits for a predecessor, so that one household's gap does not hold up the others.
_PENDING = 2_048
_TICK_SECONDS = 0.05


class ConsumerRunner:
    """One durable consumer at work."""

    def __init__(
        self, consumer: Consumer, database: Database, client: Nats, *, replicas: int = 1, beat: Beat = no_beat
    ) -> None:
        self._consumer = consumer
        self._client = client
        self._replicas = replicas
        self._current: Sequence[Msg] = ()
        self._pull: PullSubscription | None = None
        self._parking = Parking(limit=_PENDING // 4)
        self._handler = MessageHandler(consumer, database, client, self._parking, beat=beat)
        self._beat = beat
        self._turn = asyncio.Lock()
        self._watch = ConsumerWatch(client, consumer)

    async def run(self) -> None:
        """Handle messages for ever, through restarts of the broker and the database."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._watch.run())
                tasks.create_task(self._keep_alive())
                tasks.create_task(self._retry_parked())
                tasks.create_task(self._consume())
        finally:
            await self._give_back(self._parking.clear())

    async def ensure(self) -> None:
        """Create the durable consumer, its stream and that of the dead letters, or bring them up to date."""
        consumer = self._consumer
        for stream in (consumer.stream, DEAD_LETTER_STREAM):
            await ensure_stream(self._client, stream, replicas=self._replicas)
        await self._client.jsm().add_consumer(
            consumer.stream,
            api.ConsumerConfig(
                durable_name=consumer.durable,
                filter_subjects=list(consumer.subjects),
                ack_policy=api.AckPolicy.EXPLICIT,
                deliver_policy=api.DeliverPolicy.ALL,
                ack_wait=ACK_WAIT_SECONDS,
                max_deliver=MAX_DELIVER,
                # No server-side backoff: it would be added to the delays asked for with nak (nats-server 2.15).
                max_ack_pending=_PENDING,
            ),
        )

    async def _consume(self) -> None:
        while True:
            try:
                await self.ensure()
                self._pull = PullSubscription(
                    self._client,
                    self._consumer.stream,
                    self._consumer.durable,
                    beat=self._beat,
                    on_answer=self._watch.hear,
                )
                async with contextlib.aclosing(self._pull.messages()) as messages:
                    async for message in messages:
                        async with self._turn:
                            await self._take(message, self._pull.waiting)
            except BROKER_ERRORS as error:
                self._beat()
                _log.warning("consumer.interrupted", consumer=self._consumer.durable, error_type=type(error).__name__)
            await asyncio.sleep(BROKER_RETRY_SECONDS)

    async def _take(self, message: Msg, waiting: deque[Msg]) -> None:
        self._current = [message, *self._company(message, waiting)]
        try:
            if len(self._current) == 1 or not await self._handler.handle_together(self._current):
                for each in self._current:
                    await self._handler.handle(each)
        except asyncio.CancelledError:
            await self._give_back(self._current)
            raise
        finally:
            self._current = ()

    @staticmethod
    async def _give_back(messages: Sequence[Msg]) -> None:
        """Stopping: somebody else may have them at once."""
        for message in messages:
            if not message.is_acked:
                with contextlib.suppress(*BROKER_ERRORS):
                    await message.nak()

    async def _retry_parked(self) -> None:
        """A message that came before its predecessor stays here for a while: a gap closes in a moment, or after a crash
        when the broker delivers again what the dead process had in hand.
        """
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for message in self._parking.due():
                # A broker that cannot be answered now: the message stays here, and the inbox knows that it is done.
                with contextlib.suppress(*BROKER_ERRORS):
                    async with self._turn:
                        await self._handler.handle(message)

    async def _keep_alive(self) -> None:
        """What waits in line here is being worked on: only a process that died lets the broker deliver again."""
        while True:
            await asyncio.sleep(ACK_WAIT_SECONDS / 3)
            for message in [*self._current, *self._parking.messages(), *(self._pull.waiting if self._pull else ())]:
                if message.is_acked:
                    continue
                # Acknowledged meanwhile, or the broker is away: nothing is lost either way.
                with contextlib.suppress(*BROKER_ERRORS):
                    await message.in_progress()

    def _company(self, first: Msg, waiting: deque[Msg]) -> list[Msg]:
        """What waits behind ``first`` and can share its unit of work: taken out of the line, in order."""
        company: list[Msg] = []
        if self._consumer.group == 1 or not self._is_groupable(first):
            return company
        tenant = header_of(first, "preau-tenant")
        while waiting and len(company) < self._consumer.group - 1:
            following = waiting[0]
            if not self._is_groupable(following) or header_of(following, "preau-tenant") != tenant:
                break
            company.append(waiting.popleft())
        return company

    def _is_groupable(self, message: Msg) -> bool:
        headers = message.headers or {}
        return headers.get("ce-type", "") in self._consumer.grouped_types and REPLAY_HEADER not in headers
