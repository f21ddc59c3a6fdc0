"""Runs one consumer: messages in stream order, each in one unit of work with its inbox row, or several that waited."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

import nats.errors
import structlog
from google.protobuf.message import DecodeError
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.js import api
from nats.js.errors import Error as JetStreamError
from opentelemetry.trace import SpanKind
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import TenantId, tenant_slug

from preau_chassis.consumers import Consumer, Envelope, RetryLater
from preau_chassis.database import Database, UnitOfWork
from preau_chassis.dead_letters import REPLAY_HEADER, bury
from preau_chassis.errors import TRANSIENT
from preau_chassis.logs import get_logger
from preau_chassis.messaging import ensure_stream
from preau_chassis.parking import Parking
from preau_chassis.pull import PullSubscription
from preau_chassis.telemetry import Hop

_log = get_logger("inbox")

ACK_WAIT_SECONDS = 10.0
MAX_DELIVER = 8
RETRY_DELAYS = (0.2, 0.5, 2.0, 10.0, 60.0, 180.0, 600.0)
_BATCH = 64
# Room for what waits for a predecessor, so that one household's gap does not hold up the others.
_PENDING = 2_048
_TICK_SECONDS = 0.05
_RESTART_SECONDS = 0.5
_IN_PLACE_SECONDS = 0.5
_CONFLICT_ATTEMPTS = 3
_DATABASE_REASONS = frozenset({"DATABASE_UNAVAILABLE", "DATABASE_BUSY"})
_BROKER_ERRORS = (nats.errors.Error, JetStreamError, TimeoutError, OSError)
_SEEN = "INSERT INTO inbox (tenant_id, consumer, event_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING 1"
_SEEN_MANY = """
INSERT INTO inbox (tenant_id, consumer, event_id) SELECT $1, $2, unnest($3::uuid[])
ON CONFLICT DO NOTHING RETURNING event_id"""


class ConsumerRunner:
    """One durable consumer at work."""

    def __init__(self, consumer: Consumer, database: Database, client: Nats, *, replicas: int = 1) -> None:
        self._consumer = consumer
        self._database = database
        self._client = client
        self._replicas = replicas
        self._current: Sequence[Msg] = ()
        self._pull: PullSubscription | None = None
        self._parking = Parking(limit=_PENDING // 4)
        self._turn = asyncio.Lock()

    async def run(self) -> None:
        """Handle messages for ever, through restarts of the broker and the database."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_alive())
                tasks.create_task(self._retry_parked())
                tasks.create_task(self._consume())
        finally:
            await self._give_back(self._parking.clear())

    async def ensure(self) -> None:
        """Create the stream and the durable consumer, or bring them up to date."""
        consumer = self._consumer
        await ensure_stream(self._client, consumer.stream, replicas=self._replicas)
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
                self._pull = PullSubscription(self._client, self._consumer.stream, self._consumer.durable, batch=_BATCH)
                async with contextlib.aclosing(self._pull.messages()) as messages:
                    async for message in messages:
                        async with self._turn:
                            await self._take(message, self._pull.waiting)
            except _BROKER_ERRORS as error:
                _log.warning("consumer.interrupted", consumer=self._consumer.durable, error_type=type(error).__name__)
            await asyncio.sleep(_RESTART_SECONDS)

    async def _take(self, message: Msg, waiting: deque[Msg]) -> None:
        self._current = [message, *self._company(message, waiting)]
        try:
            if len(self._current) == 1 or not await self._handle_together(self._current):
                for each in self._current:
                    await self._handle(each)
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
                with contextlib.suppress(nats.errors.Error):
                    await message.nak()

    async def _retry_parked(self) -> None:
        """A message that came before its predecessor stays here for a while: a gap closes in a moment, or after a crash
        when the broker delivers again what the dead process had in hand.
        """
        while True:
            await asyncio.sleep(_TICK_SECONDS)
            for message in self._parking.due():
                async with self._turn:
                    await self._handle(message)

    async def _keep_alive(self) -> None:
        """What waits in line here is being worked on: only a process that died lets the broker deliver again."""
        while True:
            await asyncio.sleep(ACK_WAIT_SECONDS / 3)
            for message in [*self._current, *self._parking.messages(), *(self._pull.waiting if self._pull else ())]:
                if message.is_acked:
                    continue
                # Acknowledged meanwhile, or the broker is away: nothing is lost either way.
                with contextlib.suppress(nats.errors.Error):
                    await message.in_progress()

    def _company(self, first: Msg, waiting: deque[Msg]) -> list[Msg]:
        """What waits behind ``first`` and can share its unit of work: taken out of the line, in order."""
        company: list[Msg] = []
        if self._consumer.group == 1 or not self._is_groupable(first):
            return company
        tenant = _header(first, "preau-tenant")
        while waiting and len(company) < self._consumer.group - 1:
            following = waiting[0]
            if not self._is_groupable(following) or _header(following, "preau-tenant") != tenant:
                break
            company.append(waiting.popleft())
        return company

    def _is_groupable(self, message: Msg) -> bool:
        headers = message.headers or {}
        return headers.get("ce-type", "") in self._consumer.grouped_types and REPLAY_HEADER not in headers

    async def _handle_together(self, messages: Sequence[Msg]) -> bool:
        """All of them in one unit of work, or none: then ``False``, and they are to be handled one by one."""
        started = time.perf_counter()
        try:
            envelopes = [_envelope(message, _header(message, "ce-type")) for message in messages]
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
        duration = round((time.perf_counter() - started) * 1000, 2)
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

    async def _handle(self, message: Msg) -> None:
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
            duration = round((time.perf_counter() - started) * 1000, 2)
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

    async def _settle(self, message: Msg, type_name: str, hop: Hop) -> str:
        """Handle, then tell the broker: done, again later, or never again."""
        try:
            envelope = _envelope(message, type_name)
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
        handler = self._consumer.handlers[type(event)]  # type: ignore[index]
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
        while True:
            try:
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
                break
            except _BROKER_ERRORS:
                await asyncio.sleep(_RESTART_SECONDS)
        await message.term()
        return "dead"


def _header(message: Msg, name: str) -> str:
    return (message.headers or {}).get(name, "")


def _envelope(message: Msg, type_name: str) -> Envelope:
    """``KeyError`` or ``ValueError`` when the headers or the subject are not ours."""
    headers = message.headers or {}
    town = tenant_slug(message.subject.split(".")[1])
    return Envelope(
        event_id=UUID(headers["ce-id"]),
        type=type_name,
        subject=message.subject,
        context=Context.system(TenantId(int(headers["preau-tenant"])), town),
        at=datetime.fromisoformat(headers["ce-time"]).astimezone(UTC),
        delivery=message.metadata.num_delivered,
        sequence=message.metadata.sequence.stream,
    )
