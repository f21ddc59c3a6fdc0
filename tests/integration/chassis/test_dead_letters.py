"""What cannot be handled is put aside, kept whatever becomes of its stream, and sent again."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from nats.aio.client import Client as Nats
from nats.js.errors import NotFoundError
from preau.billing.v1.billing_events_pb2 import InvoiceSettled
from preau_chassis.database import Database
from preau_chassis.dead_letters import bury
from preau_chassis.delivery_watch import watch_deliveries
from preau_chassis.inbox import ConsumerRunner, RetryLater, replay_dead_letters
from preau_chassis.message_handler import MAX_DELIVER
from preau_chassis.pull import PullSubscription

from tests.integration.chassis.messages import Reader, consumer_of, effects, eventually, running, send


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
            except Exception:  # noqa: BLE001 - none yet
                return False
            return True

        await eventually(buried)
    letter = await nats_client.jsm().get_last_msg("DLQ", "dlq.test-reader")
    assert (letter.headers or {})["preau-dlq-reason"] == "RETRIES_EXHAUSTED RETRY_LATER"
    # Each delivery is tried once, parked, and tried once more.
    assert reader.seen == ["never"] * (2 * MAX_DELIVER)


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


async def test_a_dead_letter_is_kept_though_its_stream_was_deleted(
    database: Database, nats_client: Nats, clean: None
) -> None:
    reader = Reader()
    runner = ConsumerRunner(consumer_of(reader), database, nats_client)
    await runner.ensure()
    await send(nats_client, "before")
    async with running(runner.run()):

        async def runs() -> bool:
            return reader.seen == ["before"]

        await eventually(runs)
        await nats_client.jsm().delete_stream("DLQ")
        await send(nats_client, "unreadable", body=b"\xff\xff\xff")
        await send(nats_client, "good")

        async def passed() -> bool:
            return reader.seen == ["before", "good"]

        await eventually(passed)
    assert (await nats_client.jsm().get_last_msg("DLQ", "dlq.test-reader")).data == b"\xff\xff\xff"
