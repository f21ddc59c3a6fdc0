"""Events leave through a table: what was committed is published, at least once, in the order of its rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nats.aio.client import Client as Nats
from opentelemetry.trace import SpanKind, Status, StatusCode
from preau_kernel.errors import DomainError

from preau_chassis.batch_publisher import BatchPublisher, Outgoing
from preau_chassis.database import Database
from preau_chassis.events import OutboxEvent, outbox_event
from preau_chassis.logs import get_logger
from preau_chassis.messaging import BROKER_ERRORS, ensure_stream, event_headers, stream_of
from preau_chassis.metrics import Attributes, gauge
from preau_chassis.pool import DRIVER_ERRORS
from preau_chassis.pulse import Beat, no_beat
from preau_chassis.spans import LightSpan
from preau_chassis.telemetry import parse_traceparent, start_span, traceparent_of

__all__ = ["OutboxEvent", "OutboxRelay", "outbox_event"]

_log = get_logger("outbox")

_BATCH = 500
_IN_FLIGHT = 64
_SWEEP_SECONDS = 1.0
_ACK_SECONDS = 5.0
_RETRY_SECONDS = 1.0
_STUCK_SECONDS = 30.0
_SAMPLED = frozenset("13579bdf")  # the last digit of a traceparent's flags when its trace is sampled

_DUE = f"""
SELECT id, tenant_id, event_id, subject, type, body, traceparent, created_at FROM outbox
WHERE published_at IS NULL ORDER BY id LIMIT {_BATCH}"""
_MARK = "UPDATE outbox SET published_at = now() WHERE id = ANY($1::bigint[]) AND published_at IS NULL"
_MOST_COUNTED = 100_000
_LOOK_SECONDS = 10.0
# Rows get their ids in the order of their transactions' statements, so the first id is as good as the oldest.
_BACKLOG = f"""
SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - (
    SELECT created_at FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT 1)), 0)::float8 AS age
FROM (SELECT FROM outbox WHERE published_at IS NULL LIMIT {_MOST_COUNTED}) AS due"""


def _span(row: Any) -> LightSpan | None:
    parent = parse_traceparent(row["traceparent"])
    if parent is None:
        return None
    attributes = {
        "messaging.system": "nats",
        "messaging.destination.name": row["subject"],
        "messaging.message.id": str(row["event_id"]),
    }
    return start_span(f"publish {row['type']}", SpanKind.PRODUCER, parent, attributes)


@dataclass(slots=True)
class Backlog:
    """What was not yet published when the leading relay last looked; ``looked_at`` is monotonic."""

    waiting: int = 0
    age: float = 0.0
    looked_at: float = 0.0


class OutboxRelay:
    """Publishes a service's outbox. Only one may run at a time: ``Leader`` sees to it."""

    def __init__(self, *, service: str, nats_client: Nats, replicas: int = 1, beat: Beat = no_beat) -> None:
        self._service = service
        self._nats = nats_client
        self._publisher = BatchPublisher(nats_client, seconds=_ACK_SECONDS)
        self._replicas = replicas
        self._beat = beat
        self._nudged = asyncio.Event()
        self._has_stream = False
        self.backlog: Backlog | None = None
        """``None`` while another process leads."""

    def nudge(self) -> None:
        """There is something to publish."""
        self._nudged.set()

    async def run(self, raw: Any) -> None:
        """Publish for ever, reading and marking on ``raw``; raises when that connection is lost."""
        shown = (
            gauge("preau.outbox.age", "s", "Age of the oldest event not yet published.", self._age),
            gauge("preau.outbox.waiting", "{event}", "Events not yet published.", self._waiting),
        )
        try:
            await self._run(raw)
        finally:
            for each in shown:
                each.close()
            self.backlog = None

    def _age(self) -> list[tuple[float, Attributes]]:
        backlog = self.backlog
        return [] if backlog is None else [(backlog.age, {})]

    def _waiting(self) -> list[tuple[float, Attributes]]:
        backlog = self.backlog
        return [] if backlog is None else [(backlog.waiting, {})]

    async def _run(self, raw: Any) -> None:
        while True:
            self._nudged.clear()
            await self._look(raw, _LOOK_SECONDS)
            try:
                while await self.publish_batch(raw) == _BATCH:
                    await self._look(raw, _LOOK_SECONDS)
            except BROKER_ERRORS as error:
                if raw.is_closed():
                    raise
                await self._wait_for_broker(raw, error)
                continue
            try:
                async with asyncio.timeout(_SWEEP_SECONDS):
                    await self._nudged.wait()
            except TimeoutError:
                continue

    async def publish_batch(self, raw: Any) -> int:
        """Publish what is due, up to one batch, and mark what the broker has acknowledged; how many were due.

        Raises what went wrong first, once all that can go has gone.
        """
        self._beat()
        rows = await raw.fetch(_DUE)
        if not rows:
            return 0
        if not self._has_stream:
            await ensure_stream(self._nats, stream_of(self._service), replicas=self._replicas)
            self._has_stream = True
        problems: list[Exception] = []
        for start in range(0, len(rows), _IN_FLIGHT):
            part = rows[start : start + _IN_FLIGHT]
            found = await self._publish(raw, part)
            problems += found
            if len(found) == len(part):
                break  # not one of them: the broker is away
        if problems:
            raise problems[0]
        return len(rows)

    async def _publish(self, raw: Any, rows: Sequence[Any]) -> list[Exception]:
        # Sent in order, acknowledged in any order. What follows a failure is marked only if it was acknowledged too,
        # and a repeated publication is dropped by the broker's window or by the reader's inbox.
        spans = [_span(row) if row["traceparent"][-1:] in _SAMPLED else None for row in rows]
        results = await self._publisher.publish(
            [self._outgoing(row, span) for row, span in zip(rows, spans, strict=True)]
        )
        for row, span, problem in zip(rows, spans, results, strict=True):
            # A failure is told even when its trace is not sampled.
            told = span or (None if problem is None else _span(row))
            if told is not None:
                if problem is not None:
                    told.set_status(Status(StatusCode.ERROR, type(problem).__name__))
                told.end()
        published = [row["id"] for row, problem in zip(rows, results, strict=True) if problem is None]
        if published:
            await raw.execute(_MARK, published)
        return [problem for problem in results if problem is not None]

    def _outgoing(self, row: Any, span: LightSpan | None) -> Outgoing:
        headers = event_headers(
            event_id=row["event_id"],
            type_name=row["type"],
            service=self._service,
            tenant_id=row["tenant_id"],
            at=row["created_at"],
            traceparent=row["traceparent"] if span is None else traceparent_of(span),
        )
        return Outgoing(row["subject"], row["body"], headers)

    async def _wait_for_broker(self, raw: Any, error: Exception) -> None:
        self._has_stream = False
        age = (await self._look(raw, _RETRY_SECONDS)).age
        log = _log.error if age > _STUCK_SECONDS else _log.warning
        log("outbox.waiting", error_type=type(error).__name__, lag=round(age, 1))
        await asyncio.sleep(_RETRY_SECONDS)

    async def _look(self, raw: Any, every: float) -> Backlog:
        """What waits, counted anew if the last count is ``every`` seconds old."""
        now = time.monotonic()
        if self.backlog is None or now - self.backlog.looked_at >= every:
            row = await raw.fetchrow(_BACKLOG)
            self.backlog = Backlog(row["waiting"], row["age"], now)
        return self.backlog


class Leader:
    """Holds a service's one advisory lock on a connection of its own, for as long as that connection lives."""

    def __init__(self, service: str, database: Database, *, beat: Beat = no_beat) -> None:
        self._service = service
        self._database = database
        self._beat = beat
        self.is_leading = asyncio.Event()

    async def lead(self, relay: OutboxRelay) -> None:
        """Wait for the lock, relay while holding it, start over when the connection is lost."""
        while True:
            self._beat()
            try:
                async with self._database.lease() as lease:
                    if await lease.raw.fetchval("SELECT pg_try_advisory_lock(hashtext($1))", f"leader:{self._service}"):
                        _log.info("leader.elected")
                        self.is_leading.set()
                        try:
                            await relay.run(lease.raw)
                        finally:
                            self.is_leading.clear()
                            # Given back without its lock, or not at all.
                            lease.raw.terminate()
            except (DomainError, *DRIVER_ERRORS) as error:
                _log.warning("leader.lost", error_type=type(error).__name__)
            await asyncio.sleep(_RETRY_SECONDS)
