from __future__ import annotations

import asyncio
from typing import Any

import nats.errors
import pytest
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from preau.billing.v1.billing_events_pb2 import InvoiceCancelled, InvoiceSettled
from preau_chassis.database import Database
from preau_chassis.inbox import ConsumerRunner, RetryLater
from preau_chassis.outbox import Leader, OutboxRelay
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import uuid7
from preau_stack.broker import Broker

from tests.integration.chassis.conftest import context
from tests.integration.chassis.messages import Reader, consumer_of, effects, eventually, publish, running, send


async def test_what_was_committed_arrives_once_and_in_order(
    database: Database, work_database: Database, nats_client: Nats, clean: None
) -> None:
    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), Reader()
    database.on_nudge(relay.nudge)
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    async with running(Leader("billing", work_database).lead(relay), runner.run()):
        wanted = [f"invoice-{number}" for number in range(150)]
        await publish(database, *wanted)

        async def done() -> bool:
            return len(await effects(database)) >= 150

        await eventually(done)
        assert await effects(database) == wanted
        assert await work_database.fetchval("SELECT count(*) FROM outbox WHERE published_at IS NULL") == 0
    first = reader.envelopes[0]
    assert first.context.tenant_slug == "casepilote"
    assert first.context.actor == "system"
    assert (first.type, first.subject) == (
        "preau.billing.v1.InvoiceSettled",
        "evt.casepilote.billing.invoice.settled.v1",
    )


async def test_a_relay_killed_between_publishing_and_marking_causes_no_second_effect(
    database: Database, work_database: Database, nats_client: Nats, clean: None
) -> None:
    class Killed(Exception):  # noqa: N818
        pass

    class Dying:
        """A connection that dies when rows are about to be marked."""

        def __init__(self, raw: Any) -> None:
            self.fetch = raw.fetch

        async def execute(self, *_: Any) -> str:
            raise Killed

    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), Reader()
    await publish(database, "a", "b", "c")
    async with work_database.lease() as lease:
        with pytest.raises(Killed):
            await relay.publish_batch(Dying(lease.raw))
        assert await relay.publish_batch(lease.raw) == 3
        assert await relay.publish_batch(lease.raw) == 0
    async with running(ConsumerRunner(consumer_of(reader), database, nats_client).run()):

        async def done() -> bool:
            return len(await effects(database)) == 3

        await eventually(done)
        await asyncio.sleep(0.3)
    assert await effects(database) == ["a", "b", "c"]


async def test_an_event_that_the_broker_does_not_take_holds_up_no_other(
    database: Database, work_database: Database, nats_client: Nats, clean: None
) -> None:
    relay = OutboxRelay(service="billing", nats_client=nats_client)
    async with database.unit_of_work(context()) as uow:
        uow.publish(InvoiceSettled(invoice_id="x" * (nats_client.max_payload + 1)))
        uow.publish(*(InvoiceSettled(invoice_id=str(number)) for number in range(200)))
        await uow.commit()
    async with work_database.lease() as lease:
        with pytest.raises(nats.errors.MaxPayloadError):
            await relay.publish_batch(lease.raw)
    left = await work_database.fetch("SELECT octet_length(body) AS size FROM outbox WHERE published_at IS NULL")
    assert [row["size"] > nats_client.max_payload for row in left] == [True]


async def test_the_same_event_stored_twice_by_the_broker_has_one_effect(
    database: Database, nats_client: Nats, clean: None
) -> None:
    reader, event_id = Reader(), uuid7()
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    await runner.ensure()
    await send(nats_client, "a", event_id=event_id)
    await send(nats_client, "a", event_id=event_id)
    await send(nats_client, "last")
    async with running(runner.run()):

        async def done() -> bool:
            return "last" in await effects(database)

        await eventually(done)
    assert await effects(database) == ["a", "last"]


async def test_a_message_that_must_wait_lets_the_others_pass_and_comes_again(
    database: Database, nats_client: Nats, clean: None
) -> None:
    reader = Reader()
    reader.failures["early"] = [RetryLater(0.1), DomainError(ErrorKind.UNAVAILABLE, "AWAY")]
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    await runner.ensure()
    await send(nats_client, "early")
    await send(nats_client, "late")
    async with running(runner.run()):

        async def done() -> bool:
            return len(await effects(database)) == 2

        await eventually(done)
    assert await effects(database) == ["late", "early"], "the failed attempts left nothing behind"
    assert reader.seen == ["early", "late", "early", "early"]


async def test_types_without_a_handler_are_passed_over(
    database: Database, work_database: Database, nats_client: Nats, clean: None
) -> None:
    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), Reader()
    async with database.unit_of_work(context()) as uow:
        uow.publish(InvoiceCancelled(invoice_id="x"), InvoiceSettled(invoice_id="y"))
        await uow.commit()
    async with work_database.lease() as lease:
        await relay.publish_batch(lease.raw)
    async with running(ConsumerRunner(consumer_of(reader), database, nats_client).run()):

        async def done() -> bool:
            return await effects(database) == ["y"]

        await eventually(done)
        assert await effects(database) == ["y"]


async def test_one_relay_of_two_leads_and_the_other_takes_over(
    database: Database, work_database: Database, nats_client: Nats, clean: None
) -> None:
    leaders = [Leader("billing", work_database), Leader("billing", work_database)]
    relays = [OutboxRelay(service="billing", nats_client=nats_client) for _ in leaders]
    async with running(*(leader.lead(relay) for leader, relay in zip(leaders, relays, strict=True))) as tasks:

        async def elected() -> bool:
            return any(leader.is_leading.is_set() for leader in leaders)

        await eventually(elected)
        assert [leader.is_leading.is_set() for leader in leaders].count(True) == 1
        first = 0 if leaders[0].is_leading.is_set() else 1
        tasks[first].cancel()

        async def taken_over() -> bool:
            return leaders[1 - first].is_leading.is_set()

        await eventually(taken_over)


async def test_broker_restart_in_the_middle_loses_nothing(
    database: Database, work_database: Database, nats_client: Nats, broker: Broker, clean: None
) -> None:
    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), Reader()
    database.on_nudge(relay.nudge)
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    async with running(Leader("billing", work_database).lead(relay), runner.run()):
        await publish(database, *(f"a{number}" for number in range(20)))
        broker.process.kill()
        await publish(database, *(f"b{number}" for number in range(20)))
        await asyncio.to_thread(broker.start)
        await publish(database, *(f"c{number}" for number in range(20)))

        async def done() -> bool:
            return len(await effects(database)) >= 60

        await eventually(done, 30)
        await asyncio.sleep(0.5)
    assert sorted(await effects(database)) == sorted(f"{letter}{number}" for letter in "abc" for number in range(20))


async def test_an_acknowledgement_that_cannot_be_sent_now_does_not_end_the_consumer(
    database: Database, nats_client: Nats, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    send_ack, refused = Msg.ack, 0

    async def refuse_once(self: Msg) -> None:
        nonlocal refused
        refused += 1
        if refused == 1:
            raise nats.errors.OutboundBufferLimitError
        await send_ack(self)

    monkeypatch.setattr(Msg, "ack", refuse_once)
    reader = Reader()
    reader.failures["early"] = [RetryLater()]
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    await runner.ensure()
    await send(nats_client, "early")
    async with running(runner.run()) as tasks:

        async def acknowledged() -> bool:
            info = await nats_client.jsm().consumer_info("BILLING", "test-reader")
            return refused > 1 and not info.num_ack_pending

        await eventually(acknowledged)
        assert not tasks[0].done()
    assert await effects(database) == ["early"]
