from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import nats.errors
import pytest
import pytest_asyncio
from nats.aio.client import Client as Nats
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from preau.billing.v1.billing_events_pb2 import InvoiceCancelled, InvoiceSettled
from preau_chassis.database import Database, UnitOfWork
from preau_chassis.dead_letters import bury
from preau_chassis.delivery_watch import watch_deliveries
from preau_chassis.inbox import Consumer, ConsumerRunner, Envelope, RetryLater, replay_dead_letters
from preau_chassis.message_handler import MAX_DELIVER
from preau_chassis.messaging import event_headers
from preau_chassis.outbox import Leader, OutboxRelay
from preau_chassis.pull import PullSubscription
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import uuid7
from preau_stack.broker import Broker

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


@pytest_asyncio.fixture
async def clean(nats_client: Nats) -> AsyncIterator[None]:
    for stream in ("BILLING", "DLQ"):
        with suppress(Exception):
            await nats_client.jsm().delete_stream(stream)
    yield


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


async def test_what_cannot_be_handled_is_put_aside_and_can_be_sent_again(
    database: Database, nats_client: Nats, clean: None
) -> None:
    reader, other = Reader(), Reader()
    reader.failures["bad"] = [ValueError("secret")]
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    second = ConsumerRunner(consumer_of(other, "other-reader"), database, nats_client)
    await runner.ensure()
    await send(nats_client, "bad", message_id="one")
    await send(nats_client, "unreadable", body=b"\xff\xff\xff")
    await send(nats_client, "good")
    async with running(runner.run(), second.run()):

        async def passed() -> bool:
            return "good" in reader.seen and other.seen[-1:] == ["good"]

        await eventually(passed)
        letters = [await nats_client.jsm().get_msg("DLQ", number) for number in (1, 2, 3)]
        found = {
            (letter.subject, (letter.headers or {})["preau-dlq-reason"], (letter.headers or {})["preau-dlq-sequence"])
            for letter in letters
        }
        assert found == {
            ("dlq.test-reader", "ValueError", "1"),
            ("dlq.test-reader", "UNREADABLE", "2"),
            ("dlq.other-reader", "UNREADABLE", "2"),
        }
        assert reader.seen.count("bad") == 1
        assert await replay_dead_letters(nats_client, "test-reader") == 2

        async def replayed() -> bool:
            return reader.seen.count("bad") == 2

        await eventually(replayed)
        await asyncio.sleep(0.2)
    assert other.seen == ["bad", "good"], "a replay is for the consumer that failed alone"
    assert sorted(await effects(database)) == ["bad", "bad", "good", "good"]


async def test_a_message_that_never_succeeds_is_put_aside_after_the_last_delivery(
    database: Database, nats_client: Nats, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preau_chassis.message_handler.RETRY_DELAYS", (0.01,) * MAX_DELIVER)
    monkeypatch.setattr("preau_chassis.parking.PARKED_SECONDS", 0.0)
    reader = Reader()
    reader.failures["never"] = [RetryLater(0.01) for _ in range(40)]
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    await runner.ensure()
    await send(nats_client, "never")
    async with running(runner.run()):

        async def buried() -> bool:
            try:
                await nats_client.jsm().get_last_msg("DLQ", "dlq.test-reader")
            except Exception:  # noqa: BLE001
                return False
            return True

        await eventually(buried)
    letter = await nats_client.jsm().get_last_msg("DLQ", "dlq.test-reader")
    assert (letter.headers or {})["preau-dlq-reason"] == "RETRIES_EXHAUSTED RETRY_LATER"
    # Each delivery is tried once, parked, and tried once more.
    assert reader.seen == ["never"] * (2 * MAX_DELIVER)


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


async def test_a_message_that_kills_its_readers_is_put_aside(
    database: Database, nats_client: Nats, clean: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preau_chassis.consumer_runner.ACK_WAIT_SECONDS", 0.2)
    monkeypatch.setattr("preau_chassis.consumer_runner.MAX_DELIVER", 2)
    consumer = consumer_of(Reader(), "test-killed")
    await ConsumerRunner(consumer, database, nats_client).ensure()
    await watch_deliveries(nats_client, [consumer])
    await send(nats_client, "deadly")
    pull = PullSubscription(nats_client, "BILLING", "test-killed")

    async def read_without_answering() -> None:
        async for _ in pull.messages():
            pass

    async with running(read_without_answering()):

        async def buried() -> bool:
            with suppress(Exception):
                return bool(await nats_client.jsm().get_last_msg("DLQ", "dlq.test-killed"))
            return False

        await eventually(buried)
    letter = await nats_client.jsm().get_last_msg("DLQ", "dlq.test-killed")
    assert (letter.headers or {})["preau-dlq-reason"] == "MAX_DELIVERIES"
    assert InvoiceSettled.FromString(letter.data or b"").invoice_id == "deadly"


async def test_a_dead_letter_waits_for_its_stream_and_leaves_its_configuration_alone(
    database: Database, nats_client: Nats, clean: None
) -> None:
    burying = asyncio.create_task(
        bury(
            nats_client,
            durable="x",
            stream="BILLING",
            sequence=1,
            subject="evt.x",
            reason="BROKEN",
            body=b"",
            headers={},
        )
    )
    await asyncio.sleep(0.3)
    with pytest.raises(NotFoundError):
        await nats_client.jsm().stream_info("DLQ")
    assert not burying.done()
    await ConsumerRunner(consumer_of(Reader()), database, nats_client).ensure()
    await asyncio.wait_for(burying, 5)
    assert (await nats_client.jsm().get_msg("DLQ", 1)).subject == "dlq.x"


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
