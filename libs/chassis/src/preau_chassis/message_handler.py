"""What becomes of a message: handled in a unit of work with its inbox row, put off, or given up as a dead letter."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence

import structlog
from google.protobuf.message import DecodeError
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from opentelemetry.trace import SpanKind
from preau_kernel.errors import DomainError, ErrorKind

from preau_chassis.consumers import Consumer, Envelope, RetryLater, envelope_of, header_of
from preau_chassis.database import Database, UnitOfWork
from preau_chassis.dead_letters import REPLAY_HEADER, bury
from preau_chassis.errors import TRANSIENT
from preau_chassis.logs import get_logger
from preau_chassis.metrics import histogram
from preau_chassis.parking import Parking
from preau_chassis.pulse import Beat, no_beat
from preau_chassis.telemetry import Hop

_log = get_logger("inbox")
_duration = histogram("preau.message.duration", "s", "One message handled.")

MAX_DELIVER = 8
RETRY_DELAYS = (0.2, 0.5, 2.0, 10.0, 60.0, 180.0, 600.0)
_IN_PLACE_SECONDS = 0.5
_CONFLICT_ATTEMPTS = 3
_DATABASE_REASONS = frozenset({"DATABASE_UNAVAILABLE", "DATABASE_BUSY"})
_SEEN = "INSERT INTO inbox (tenant_id, consumer, event_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
_SEEN_MANY = """
INSERT INTO inbox (tenant_id, consumer, event_id) SELECT $1, $2, unnest($3::uuid[])
ON CONFLICT DO NOTHING RETURNING event_id"""


class MessageHandler:
    """Handles the messages of one consumer, and answers the broker for each."""

    def __init__(
        self, consumer: Consumer, database: Database, client: Nats, parking: Parking, *, beat: Beat = no_beat
    ) -> None:
        self._consumer = consumer
        self._database = database
        self._client = client
        self._parking = parking
        self._beat = beat

    async def handle_together(self, messages: Sequence[Msg]) -> bool:
        """All of them in one unit of work, or none: then ``False``, and they are to be handled one by one."""
        started = time.perf_counter()
        try:
            envelopes = [envelope_of(message, header_of(message, "ce-type")) for message in messages]
            async with self._database.unit_of_work(envelopes[0].context) as uow:
                ids = [envelope.event_id for envelope in envelopes]
                rows = await uow.fetch(_SEEN_MANY, envelopes[0].context.tenant_id, self._consumer.durable, ids)
                fresh = {row[0]: None for row in rows}
                new = [
                    (message, envelope)
                    for message, envelope in zip(messages, envelopes, strict=True)
                    if fresh.pop(envelope.event_id, envelope) is None
                ]
                for type_name, alike in itertools.groupby(new, key=lambda pair: pair[1].type):
                    await self._handle_alike(uow, type_name, list(alike))
                await uow.commit()
        except Exception as error:  # noqa: BLE001 - the boundary: one bad message must not stop the others
            _log.debug("messages.apart", count=len(messages), error_type=type(error).__qualname__)
            return False
        for message in messages:
            await message.ack()
            self._parking.succeeded(message)
        seconds = time.perf_counter() - started
        for _ in messages:
            self._measure(seconds, "done")
        duration = round(seconds * 1000, 2)
        durable, town = self._consumer.durable, envelopes[0].context.tenant_slug
        _log.info("messages", consumer=durable, outcome="done", tenant=town, count=len(messages), duration_ms=duration)
        return True

    async def _handle_alike(self, uow: UnitOfWork, type_name: str, alike: Sequence[tuple[Msg, Envelope]]) -> None:
        """Messages of one type, at once where the consumer says how."""
        kind = self._consumer.types[type_name]
        joint = self._consumer.joint.get(kind)
        with contextlib.ExitStack() as hops:
            if joint is not None:
                for message, envelope in alike:
                    self._enter(hops, message, envelope)
                await joint(uow, [(kind.FromString(message.data), envelope) for message, envelope in alike])
                return
            for message, envelope in alike:
                with contextlib.ExitStack() as hop:
                    self._enter(hop, message, envelope)
                    await self._consumer.handlers[kind](uow, kind.FromString(message.data), envelope)

    def _enter(self, hops: contextlib.ExitStack, message: Msg, envelope: Envelope) -> None:
        hop = hops.enter_context(self._hop(message, envelope.type))
        hop.set("preau.tenant", envelope.context.tenant_slug)
        hop.set("preau.outcome", "done")

    def _hop(self, message: Msg, type_name: str) -> Hop:
        headers = message.headers or {}
        attributes = {
            "messaging.system": "nats",
            "messaging.destination.name": message.subject,
            "messaging.consumer.group.name": self._consumer.durable,
            "messaging.message.id": headers.get("ce-id", ""),
        }
        traceparent = headers.get("traceparent", "")
        return Hop(f"consume {type_name}", SpanKind.CONSUMER, traceparent, attributes, link=True)

    async def handle(self, message: Msg) -> None:
        """Handle one message, on its own; what is not for this consumer is passed over."""
        started = time.perf_counter()
        headers = message.headers or {}
        type_name = headers.get("ce-type", "")
        durable = self._consumer.durable
        replay_for = headers.get(REPLAY_HEADER, durable)
        if type_name not in self._consumer.types or replay_for != durable:
            await message.ack()
            return
        hop = self._hop(message, type_name)
        with hop, structlog.contextvars.bound_contextvars(trace_id=hop.trace_id, consumer=durable):
            outcome = await self._settle(message, type_name, hop)
            seconds = time.perf_counter() - started
            # Kept here for another try is as good as asked for again.
            self._measure(seconds, "later" if outcome == "parked" else outcome)
            duration = round(seconds * 1000, 2)
            town = message.subject.split(".", 2)[1]
            hop.set("preau.tenant", town)
            hop.set("preau.outcome", outcome)
            _log.info(
                "message",
                event_type=type_name,
                outcome=outcome,
                tenant=town,
                duration_ms=duration,
                sequence=message.metadata.sequence.stream,
                delivery=message.metadata.num_delivered,
            )

    def _measure(self, seconds: float, outcome: str) -> None:
        attributes = {"messaging.consumer.group.name": self._consumer.durable, "preau.outcome": outcome}
        _duration.record(seconds, attributes)

    async def _settle(self, message: Msg, type_name: str, hop: Hop) -> str:
        """Handle, then tell the broker: done, again later, or never again."""
        try:
            envelope = envelope_of(message, type_name)
            event = self._consumer.types[type_name].FromString(message.data)
        except (DecodeError, KeyError, ValueError) as error:
            return await self._bury(message, "UNREADABLE", hop, error)
        try:
            outcome = await self._apply_patiently(envelope, event)
        except RetryLater as later:
            return await self._not_yet(message, later.seconds, hop)
        except DomainError as error:
            again = error.kind in TRANSIENT
            return await (
                self._later(message, 0.0, error.reason, hop) if again else self._bury(message, error.reason, hop, error)
            )
        except Exception as error:  # noqa: BLE001 - the boundary: one bad message must not stop the others
            return await self._bury(message, type(error).__qualname__, hop, error)
        await message.ack()
        self._parking.succeeded(message)
        return outcome

    async def _apply_patiently(self, envelope: Envelope, event: object) -> str:
        """While our own database is away no other message would fare better: stay on this one, deliveries unspent."""
        conflicts = 0
        while True:
            self._beat()
            try:
                return await self._apply(envelope, event)
            except DomainError as error:
                if error.reason in _DATABASE_REASONS:
                    _log.warning("consumer.waiting", reason=error.reason)
                    await asyncio.sleep(_IN_PLACE_SECONDS)
                elif error.kind is ErrorKind.CONFLICT and conflicts < _CONFLICT_ATTEMPTS:
                    conflicts += 1
                    await asyncio.sleep(0.02 * conflicts)
                else:
                    raise

    async def _apply(self, envelope: Envelope, event: object) -> str:
        handler = self._consumer.handlers[type(event)]  # type: ignore[index]  # a decoded event is of a known type
        async with self._database.unit_of_work(envelope.context) as uow:
            tenant_id = envelope.context.tenant_id
            if await uow.fetchval(_SEEN, tenant_id, self._consumer.durable, envelope.event_id) is None:
                return "duplicate"
            await handler(uow, event, envelope)
            await uow.commit()
        return "done"

    async def _not_yet(self, message: Msg, asked: float, hop: Hop) -> str:
        if not self._parking.keep(message):
            return await self._later(message, asked, "RETRY_LATER", hop)
        hop.set("preau.reason", "RETRY_LATER")
        return "parked"

    async def _later(self, message: Msg, asked: float, reason: str, hop: Hop) -> str:
        self._parking.forget(message)
        delivery = message.metadata.num_delivered
        if delivery >= MAX_DELIVER:
            return await self._bury(message, f"RETRIES_EXHAUSTED {reason}", hop, None)
        delay = max(asked, RETRY_DELAYS[delivery - 1])
        hop.set("preau.reason", reason)
        _log.info("message.later", reason=reason, delay_seconds=delay)
        await message.nak(delay)
        return "later"

    async def _bury(self, message: Msg, reason: str, hop: Hop, error: Exception | None) -> str:
        self._parking.forget(message)
        hop.fail(reason, error)
        hop.set("preau.reason", reason)
        _log.error("message.dead", reason=reason, exc_info=error)
        await bury(
            self._client,
            durable=self._consumer.durable,
            stream=message.metadata.stream,
            sequence=message.metadata.sequence.stream,
            subject=message.subject,
            reason=reason,
            body=message.data,
            headers=message.headers or {},
        )
        await message.term()
        return "dead"
