"""`live` is about turning, not about succeeding."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import urlsplit, urlunsplit

import pytest
from nats.aio.client import Client as Nats
from preau.billing.v1.billing_events_pb2 import InvoiceSettled
from preau_chassis.consumer_runner import ConsumerRunner
from preau_chassis.consumers import Consumer, Envelope
from preau_chassis.database import Database, UnitOfWork
from preau_chassis.messaging import ensure_stream
from preau_chassis.outbox import Leader, OutboxRelay
from preau_chassis.pulse import Pulse, ping_broker
from preau_stack.broker import Broker

from tests.integration.chassis.conftest import Urls, context
from tests.integration.chassis.messages import running
from tests.integration.chassis.tcp_proxy import tcp_proxy


async def becomes(check: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if check():
            return True
        await asyncio.sleep(0.1)
    return False


@pytest.fixture
async def fresh_stream(nats_client: Nats) -> None:
    with suppress(Exception):
        await nats_client.jsm().delete_stream("BILLING")
    await ensure_stream(nats_client, "BILLING")


async def test_a_relay_whose_database_neither_answers_nor_ends_is_not_alive(
    migrated_urls: Urls, nats_client: Nats, fresh_stream: None
) -> None:
    parts = urlsplit(migrated_urls.work)
    pulse = Pulse()
    turn = pulse.watch("relay", 2)
    async with tcp_proxy(parts.port or 0) as network:
        place = f"{parts.netloc.rpartition('@')[0]}@127.0.0.1:{network.port}"
        database = Database(urlunsplit(parts._replace(netloc=place)), pool_size=2)
        relay = OutboxRelay(service="billing", nats_client=nats_client, beat=turn)
        async with running(Leader("billing", database, beat=turn).lead(relay)):
            assert not await becomes(lambda: not pulse.is_alive(), 4), "idle is not stuck"
            network.open.clear()
            assert await becomes(lambda: not pulse.is_alive(), 6)
            network.open.set()
            assert await becomes(pulse.is_alive, 6)
        await database.close()


async def test_a_consumer_is_alive_while_it_idles_and_not_when_its_handler_hangs(
    database: Database, nats_client: Nats, work_database: Database, fresh_stream: None
) -> None:
    released = asyncio.Event()

    async def hang(_uow: UnitOfWork, _event: InvoiceSettled, _envelope: Envelope) -> None:
        await released.wait()

    pulse = Pulse()
    consumer = Consumer("hanging-reader", "BILLING", ("evt.*.billing.invoice.*.v1",), {InvoiceSettled: hang})
    runner = ConsumerRunner(consumer, database, nats_client, beat=pulse.watch("consumer", 4))
    relay = OutboxRelay(service="billing", nats_client=nats_client)
    async with running(runner.run(), Leader("billing", work_database).lead(relay)):
        assert not await becomes(lambda: not pulse.is_alive(), 6), "the broker's heartbeats are turns"
        async with database.unit_of_work(context()) as uow:
            uow.publish(InvoiceSettled(invoice_id="x"))
            await uow.commit()
        assert await becomes(lambda: not pulse.is_alive(), 12)
        released.set()
        assert await becomes(pulse.is_alive, 6)


async def test_loops_are_alive_while_the_broker_is_away(
    database: Database, nats_client: Nats, work_database: Database, broker: Broker, fresh_stream: None
) -> None:
    async def nothing(_uow: UnitOfWork, _event: InvoiceSettled, _envelope: Envelope) -> None:
        return

    pulse = Pulse()
    consumer = Consumer("patient-reader", "BILLING", ("evt.*.billing.invoice.*.v1",), {InvoiceSettled: nothing})
    runner = ConsumerRunner(consumer, database, nats_client, beat=pulse.watch("consumer", 9))
    turn = pulse.watch("relay", 9)
    relay = OutboxRelay(service="billing", nats_client=nats_client, beat=turn)
    leader = Leader("billing", work_database, beat=turn)
    async with running(runner.run(), leader.lead(relay), ping_broker(nats_client, pulse.watch("broker", 9))):
        await asyncio.sleep(1)
        await asyncio.to_thread(broker.stop)
        try:
            assert not await becomes(lambda: not pulse.is_alive(), 14)
        finally:
            await asyncio.to_thread(broker.start)
        assert not await becomes(lambda: not pulse.is_alive(), 3)
