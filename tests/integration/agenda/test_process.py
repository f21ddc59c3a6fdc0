"""The process itself: events come in over NATS, are relayed out of the outbox, and a message twice counts once."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import nats
import pytest
from google.protobuf.message import Message
from nats.js.client import JetStreamContext
from preau.agenda.v1 import agenda_events_pb2 as events
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau.billing.v1 import billing_events_pb2 as billing
from preau.identity.v1 import identity_events_pb2 as identity
from preau_chassis.messaging import ensure_stream, event_headers, subject_of
from preau_stack.databases import ServiceDatabase
from preau_stack.testing import TestParts

from tests.integration.agenda.world import Household, World

MONDAY = (date(2025, 9, 1), date(2025, 9, 1))


@pytest.fixture(scope="module")
async def bus(parts: TestParts, agenda_urls: ServiceDatabase) -> AsyncIterator[JetStreamContext]:
    assert agenda_urls.app_url
    client = await nats.connect(parts.environment("agenda")["PREAU_NATS_URL"])
    for service in ("identity", "billing"):
        await ensure_stream(client, service.upper())
    yield client.jetstream()
    await client.close()


@pytest.fixture(scope="module")
def process(parts: TestParts, bus: JetStreamContext) -> Iterator[subprocess.Popen[bytes]]:
    assert bus
    clock = {"PREAU_NOW": "2025-08-20T09:00:00-04:00", "PREAU_NOW_ANCHOR": datetime.now(UTC).isoformat()}
    environment = parts.environment("agenda") | clock
    running = subprocess.Popen([sys.executable, "-m", "agenda_svc", "work"], env=environment)
    yield running
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=30) == 0


async def eventually(check: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(30):
        while not (found := await check()):  # noqa: ASYNC110 - what is awaited happens in another process
            await asyncio.sleep(0.05)
        return found


async def send(bus: JetStreamContext, world: World, service: str, message: Message, event_id: UUID) -> None:
    headers = event_headers(
        event_id=event_id,
        type_name=message.DESCRIPTOR.full_name,
        service=service,
        tenant_id=world.number,
        at=world.clock.now(),
        traceparent="",
    )
    headers["Nats-Msg-Id"] = str(uuid4())  # as a broker does that has forgotten what it was sent
    await bus.publish(subject_of(world.slug, message), message.SerializeToString(), headers=headers)


async def test_a_family_is_known_books_and_is_confirmed_through_the_bus(
    bus: JetStreamContext, process: subprocess.Popen[bytes], world: World
) -> None:
    assert process.poll() is None
    household = Household(str(uuid4()), [str(uuid4())])
    news = identity.HouseholdChanged(household_id=household.id, child_ids=household.children, version=1)
    await send(bus, world, "identity", news, uuid4())

    async def is_known() -> bool:
        request = pb.GetMonthViewRequest(year=2025, month=9)
        return bool((await world.as_family(household, "GetMonthView", request)).days)

    await eventually(is_known)
    enrolment = pb.EnrolChildrenRequest(
        household_id=household.id, child_ids=household.children, activity_ids=[world.activities["matin"]]
    )
    getattr(enrolment, "from").CopyFrom(world.entry(household, period=MONDAY).to)
    enrolment.to.CopyFrom(world.entry(household, period=MONDAY).to)
    await world.call(world.staff, "EnrolChildren", enrolment)
    told = await bus.subscribe(f"evt.{world.slug}.agenda.reservations.>", ordered_consumer=True)

    await world.apply(household, "matin", period=MONDAY)
    held = events.ReservationsHeld.FromString((await told.next_msg(timeout=20)).data)
    settled = billing.InvoiceSettled(
        invoice_id=str(uuid4()), household_id=household.id, reservation_ids=held.rows.reservation_ids
    )
    event_id = uuid4()
    for _ in range(3):
        await send(bus, world, "billing", settled, event_id)
    confirmed = events.ReservationsConfirmed.FromString((await told.next_msg(timeout=20)).data)

    assert (held.household_id, held.revision) == (household.id, 1)
    assert (list(confirmed.reservation_ids), confirmed.revision) == (list(held.rows.reservation_ids), 2)

    async def all_seen() -> bool:
        count = (await world.rows("SELECT count(*) AS n FROM inbox WHERE consumer = 'agenda-settlements'"))[0]["n"]
        return bool(count == 1)

    await eventually(all_seen)
    kinds = [kind for kind, _ in await world.events() if kind != "ActivityChanged"]
    assert kinds == ["ReservationsHeld", "ReservationsConfirmed"]
