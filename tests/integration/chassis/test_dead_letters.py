"""The stream of dead letters, when somebody has deleted it while services run."""

from __future__ import annotations

from nats.aio.client import Client as Nats
from preau_chassis.consumer_runner import ConsumerRunner
from preau_chassis.database import Database

from tests.integration.chassis.test_events import Reader, clean, consumer_of, eventually, running, send

__all__ = ["clean"]


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
