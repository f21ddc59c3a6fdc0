"""Through the real broker: twice, in the wrong order, and by a real process."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nats.aio.client import Client as Nats
from nats.js.errors import NotFoundError
from preau.agenda.v1 import agenda_events_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as pb
from preau_chassis.client import call, close_channel, open_channel
from preau_chassis.dead_letters import SUBJECT_HEADER
from preau_chassis.inbox import ConsumerRunner, replay_dead_letters
from preau_chassis.messaging import (
    DEAD_LETTER_STREAM,
    close_nats,
    connect_nats,
    ensure_stream,
    event_headers,
    subject_of,
)
from preau_kernel.errors import DomainError
from preau_stack.environment import service_command
from preau_stack.testing import TestParts

from tests.integration.billing.town import SCHOOL_DAYS, Family, Platform, Town, euros, wire_day

WAIT_SECONDS = 20.0


async def publish(client: Nats, town: Town, service: str, message: Message, *, copies: int = 1) -> None:
    event_id = uuid4()
    for _ in range(copies):
        headers = event_headers(
            event_id=event_id,
            type_name=message.DESCRIPTOR.full_name,
            service=service,
            tenant_id=town.system.tenant_id,
            at=datetime.now(UTC),
            traceparent="",
        )
        # The broker's own deduplication must not help: only the inbox counts.
        headers["Nats-Msg-Id"] = str(uuid4())
        subject = subject_of(town.system.tenant_slug, message)
        await client.jetstream().publish(subject, message.SerializeToString(), headers=headers)


async def settled(family: Family, count: int) -> int:
    """The basket's lines, once there are ``count`` of them or the patience is over."""
    for _ in range(int(WAIT_SECONDS / 0.1)):
        lines = (await family.basket_now()).count
        if lines == count:
            return lines
        await asyncio.sleep(0.1)
    return (await family.basket_now()).count


async def test_events_twice_and_in_the_wrong_order_give_the_right_basket(
    platform: Platform, town: Town, family: Family, parts: TestParts
) -> None:
    client = await connect_nats(parts.broker.url, "test")
    await ensure_stream(client, "AGENDA")
    basket = next(one for one in platform.listener.consumers() if one.durable == "billing-basket")
    runner = asyncio.create_task(ConsumerRunner(basket, platform.database, client).run())
    first, second = family.held(SCHOOL_DAYS[:1]), family.held(SCHOOL_DAYS[1:2])
    third = family.held(SCHOOL_DAYS[2:3])
    try:
        for message in (third, first, second):
            await publish(client, town, "agenda", message, copies=2)
        assert await settled(family, 12) == 12
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
        await close_nats(client)
    lines = await town.rows("SELECT count(*) AS n FROM charge_line")
    assert lines[0]["n"] == 12


async def buried(client: Nats, town: Town) -> int:
    """The town's dead letters; other tests' events are on the same bus."""
    stream = (await client.jsm().stream_info(DEAD_LETTER_STREAM)).state
    found = 0
    for sequence in range(max(stream.first_seq, 1), stream.last_seq + 1):
        with contextlib.suppress(NotFoundError):
            letter = await client.jsm().get_msg(DEAD_LETTER_STREAM, sequence)
            found += f".{town.system.tenant_slug}." in (letter.headers or {}).get(SUBJECT_HEADER, "")
    return found


async def test_a_household_blocked_by_a_missing_price_is_whole_again_after_the_price_and_a_replay(
    platform: Platform, town: Town, family: Family, parts: TestParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("preau_chassis.message_handler.RETRY_DELAYS", (0.01,) * 10)
    monkeypatch.setattr("preau_chassis.parking.PARKED_SECONDS", 0.0)
    monkeypatch.setattr("billing_svc.entrypoints.consumers._GAP_SECONDS", 0.01)
    monkeypatch.setattr("billing_svc.entrypoints.consumers._PROJECTION_SECONDS", 0.01)
    client = await connect_nats(parts.broker.url, "test")
    await ensure_stream(client, "AGENDA")
    await ensure_stream(client, DEAD_LETTER_STREAM)
    basket = next(one for one in platform.listener.consumers() if one.durable == "billing-basket")
    runner = asyncio.create_task(ConsumerRunner(basket, platform.database, client).run())
    neighbour = await town.household()
    unpriced, after = family.held([date(2025, 8, 29)]), family.held(SCHOOL_DAYS[:1])
    cancelled = agenda.ReservationsCancelled(
        household_id=family.id, revision=3, reservation_ids=unpriced.rows.reservation_ids[:1]
    )
    try:
        for message in (unpriced, after, cancelled, neighbour.held(SCHOOL_DAYS[:1])):
            await publish(client, town, "agenda", message)
        assert await settled(neighbour, 4) == 4, "the others are not held up"
        for _ in range(100):
            if await buried(client, town) == 3:
                break
            await asyncio.sleep(0.1)
        assert (await family.basket_now()).count == 0
        for position in range(1, 5):
            await town.as_staff().UpsertTariff(
                pb.UpsertTariffRequest(
                    activity_id=town.activity(position),
                    valid_from=wire_day(date(2025, 8, 1)),
                    valid_to=wire_day(date(2025, 8, 31)),
                    resident_price=euros(10),
                    non_resident_price=euros(10),
                )
            )
        assert await replay_dead_letters(client, "billing-basket") >= 3
        assert await settled(family, 7) == 7
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
        await close_nats(client)
    family.revision = 3
    assert (await family.basket()).total.minor_units == 330


async def is_serving(address: str) -> bool:
    channel = open_channel(address)
    request = health_pb2.HealthCheckRequest(service="preau.billing.v1.BillingService")
    stub: Any = health_pb2_grpc.HealthStub(channel)
    try:
        answer = await call(stub.Check, request, timeout=1.0, token="")
    except DomainError:
        return False
    finally:
        await close_channel(channel)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


@pytest.mark.timeout(60)
async def test_the_process_starts_serves_and_stops(platform: Platform, parts: TestParts) -> None:
    process = subprocess.Popen(  # noqa: ASYNC220 - our own command, which returns at once
        service_command("billing", "all"),
        env=parts.environment("billing"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        for _ in range(100):
            if process.poll() is not None or await is_serving(parts.platform.address("billing")):
                break
            await asyncio.sleep(0.2)
        assert process.poll() is None
        assert await is_serving(parts.platform.address("billing"))
    finally:
        process.terminate()
        _, errors = await asyncio.to_thread(process.communicate)
    assert process.returncode == 0, errors.decode()
