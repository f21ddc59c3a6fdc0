"""An event on its way out: what one row of the outbox holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from preau_kernel.context import Context
from preau_kernel.ids import uuid7

from preau_chassis.messaging import subject_of
from preau_chassis.telemetry import current_traceparent

_INSERT_ONE = """
INSERT INTO outbox (tenant_id, event_id, subject, type, body, traceparent) VALUES ($1, $2, $3, $4, $5, $6)"""
_INSERT_MANY = """
INSERT INTO outbox (tenant_id, event_id, subject, type, body, traceparent)
SELECT $1, e.event_id, e.subject, e.type, e.body, $6
FROM unnest($2::uuid[], $3::text[], $4::text[], $5::bytea[]) WITH ORDINALITY AS e(event_id, subject, type, body, position)
ORDER BY e.position"""


@dataclass(frozen=True, slots=True)
class OutboxEvent:
    """One row of the outbox before it has a number."""

    event_id: UUID
    subject: str
    type: str
    body: bytes
    traceparent: str


def outbox_event(context: Context, message: Message) -> OutboxEvent:
    """``message`` as a fact of the caller's town, at the current position of the trace."""
    return OutboxEvent(
        event_id=uuid7(),
        subject=subject_of(context.tenant_slug, message),
        type=message.DESCRIPTOR.full_name,
        body=message.SerializeToString(),
        traceparent=current_traceparent(),
    )


async def insert_events(raw: Any, tenant_id: int, events: Sequence[OutboxEvent]) -> None:
    """Write the rows in the open transaction, in one round trip."""
    if len(events) == 1:
        one = events[0]
        await raw.execute(_INSERT_ONE, tenant_id, one.event_id, one.subject, one.type, one.body, one.traceparent)
        return
    await raw.execute(
        _INSERT_MANY,
        tenant_id,
        [event.event_id for event in events],
        [event.subject for event in events],
        [event.type for event in events],
        [event.body for event in events],
        events[0].traceparent,
    )
