"""Messages of one town that wait may share a unit of work; what comes of each is the same as alone."""

from __future__ import annotations

from nats.aio.client import Client as Nats
from preau.billing.v1.billing_events_pb2 import InvoiceSettled
from preau_chassis.database import Database
from preau_chassis.inbox import Consumer, ConsumerRunner
from preau_chassis.outbox import Leader, OutboxRelay
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import uuid7

from tests.integration.chassis.messages import Reader, effects, eventually, publish, running, send


def grouped(reader: Reader) -> Consumer:
    return Consumer("test-grouped", "BILLING", ("evt.*.billing.>",), {InvoiceSettled: reader}, 16, (InvoiceSettled,))


async def test_what_waits_is_handled_in_order_in_few_transactions(
    database: Database, work_database: Database, nats_client: Nats, clean: None
) -> None:
    wanted = [f"invoice-{number}" for number in range(60)]
    await publish(database, *wanted)
    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), Reader()
    async with work_database.lease() as lease:
        assert await relay.publish_batch(lease.raw) == 60
    async with running(ConsumerRunner(grouped(reader), database, nats_client).run()):

        async def done() -> bool:
            return len(await effects(database)) >= 60

        await eventually(done)
    assert await effects(database) == wanted
    assert reader.seen == wanted
    async with database.unit_of_work(reader.envelopes[0].context) as uow:
        count = await uow.fetchval("SELECT count(DISTINCT xmin::text) FROM effect")
    assert count <= 20


async def test_one_bad_message_is_buried_alone_and_its_company_is_done_once(
    database: Database, work_database: Database, nats_client: Nats, clean: None
) -> None:
    wanted = [f"invoice-{number}" for number in range(20)]
    await publish(database, *wanted)
    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), Reader()
    bad = DomainError(ErrorKind.INVALID, "NO_SUCH_THING")
    reader.failures["invoice-7"] = [bad] * 3
    async with running(
        Leader("billing", work_database).lead(relay), ConsumerRunner(grouped(reader), database, nats_client).run()
    ):

        async def done() -> bool:
            return len(await effects(database)) >= 19

        await eventually(done)
    assert await effects(database) == [each for each in wanted if each != "invoice-7"]
    assert (await nats_client.jsm().stream_info("DLQ")).state.messages == 1


async def test_the_same_event_twice_in_one_group_has_one_effect(
    database: Database, nats_client: Nats, clean: None
) -> None:
    reader = Reader()
    runner = ConsumerRunner(grouped(reader), database, nats_client)
    await runner.ensure()
    twice = uuid7()
    for number, event_id in enumerate((uuid7(), twice, twice, uuid7())):
        await send(nats_client, f"invoice-{event_id}", message_id=f"m{number}", event_id=event_id)
    async with running(runner.run()):

        async def done() -> bool:
            return len(await effects(database)) >= 3

        await eventually(done)
    assert len(await effects(database)) == 3
