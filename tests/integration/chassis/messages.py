"""What the tests of events share: a reader that behaves badly when told to, and the ways to send and to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from nats.aio.client import Client as Nats
from preau.billing.v1.billing_events_pb2 import InvoiceSettled
from preau_chassis.database import Database, UnitOfWork
from preau_chassis.inbox import Consumer, Envelope
from preau_chassis.messaging import event_headers
from preau_kernel.ids import uuid7

from tests.integration.chassis.conftest import context

EFFECT = "INSERT INTO effect (tenant_id, note) VALUES ($1, $2)"


class Reader:
    """Writes each event's invoice id as an effect; behaves badly when told to."""

    def __init__(self) -> None:
        self.failures: dict[str, list[Exception]] = {}
        self.seen: list[str] = []
        self.envelopes: list[Envelope] = []

    async def __call__(self, uow: UnitOfWork, event: Any, envelope: Envelope) -> None:
        self.seen.append(event.invoice_id)
        self.envelopes.append(envelope)
        await uow.execute(EFFECT, envelope.context.tenant_id, event.invoice_id)
        queue = self.failures.get(event.invoice_id)
        if queue:
            raise queue.pop(0)


@asynccontextmanager
async def running(*loops: Any) -> AsyncIterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(one) for one in loops]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def consumer_of(reader: Reader, durable: str = "test-reader") -> Consumer:
    return Consumer(durable, "BILLING", ("evt.*.billing.>",), {InvoiceSettled: reader})


async def publish(database: Database, *invoice_ids: str, number: int = 1, slug: str = "casepilote") -> None:
    for invoice_id in invoice_ids:
        async with database.unit_of_work(context(number, slug)) as uow:
            uow.publish(InvoiceSettled(invoice_id=invoice_id))
            await uow.commit()


async def effects(database: Database, number: int = 1) -> list[str]:
    async with database.unit_of_work(context(number)) as uow:
        return [row["note"] for row in await uow.fetch("SELECT note FROM effect ORDER BY id")]


async def eventually(check: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.02)


async def send(
    client: Nats, invoice_id: str, *, message_id: str = "", event_id: Any = None, body: bytes | None = None
) -> None:
    event_id = event_id or uuid7()
    headers = event_headers(
        event_id=event_id,
        type_name="preau.billing.v1.InvoiceSettled",
        service="billing",
        tenant_id=1,
        at=datetime.now(UTC),
        traceparent="",
    )
    headers["Nats-Msg-Id"] = message_id or str(uuid7())
    body = InvoiceSettled(invoice_id=invoice_id).SerializeToString() if body is None else body
    await client.jetstream().publish("evt.casepilote.billing.invoice.settled.v1", body, headers=headers)
