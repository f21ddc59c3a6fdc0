"""What the chassis measures by itself, on the real server, database and broker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from nats.aio.client import Client as Nats
from preau.identity.v1 import identity_service_pb2 as pb
from preau_chassis.client import call
from preau_chassis.database import Database
from preau_chassis.event_loop import watch_event_loop
from preau_chassis.inbox import ConsumerRunner, RetryLater, replay_dead_letters
from preau_chassis.interceptor import in_flight
from preau_chassis.jobs import Job, run_job
from preau_chassis.outbox import Leader, OutboxRelay
from preau_chassis.saturation import show_pools, show_rpcs
from preau_chassis.testing import Recorded, recorded_metrics
from preau_kernel.errors import DomainError, UnavailableError

from tests.integration.chassis import messages as events
from tests.integration.chassis import test_grpc as rpcs

METHOD = f"{rpcs.NAME}/GetHousehold"
GROUP = {"messaging.consumer.group.name": "test-reader"}
served = rpcs.served


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    with recorded_metrics() as kept:
        yield kept


async def test_every_rpc_is_counted_by_method_and_code(served: rpcs.Served, recorded: Recorded) -> None:
    for name in ("bug", "invalid"):
        with pytest.raises(DomainError):
            await call(served.stub.GetHousehold, pb.GetHouseholdRequest(id=name), timeout=2.0, token=served.token)
    await call(served.stub.ResolveTenant, pb.ResolveTenantRequest(host="h"), timeout=2.0, token="")
    counted = {
        (found["rpc.method"], found["rpc.response.status_code"]): recorded.value("rpc.server.call.duration", found)
        for found in recorded.attributes("rpc.server.call.duration")
    }
    assert counted == {
        (METHOD, "INTERNAL"): 1, (METHOD, "INVALID_ARGUMENT"): 1, (f"{rpcs.NAME}/ResolveTenant", "OK"): 1,
    }  # fmt: skip


async def test_an_rpc_that_ran_out_of_time_is_our_failure_and_one_that_its_caller_left_is_not(
    served: rpcs.Served, recorded: Recorded
) -> None:
    async def ask(seconds: float) -> None:
        await call(served.stub.ListSessions, pb.ListSessionsRequest(), timeout=seconds, token=served.token)

    with pytest.raises(DomainError):
        await ask(0.3)
    leaving = asyncio.create_task(ask(20.0))
    await asyncio.sleep(0.3)
    leaving.cancel()
    async with asyncio.timeout(5):
        while in_flight.count:  # noqa: ASYNC110 - a plain number on the hot path
            await asyncio.sleep(0.01)
    method = {"rpc.method": f"{rpcs.NAME}/ListSessions"}
    counted = {
        code: recorded.value("rpc.server.call.duration", method | {"rpc.response.status_code": code})
        for code in ("DEADLINE_EXCEEDED", "CANCELLED")
    }
    assert counted == {"DEADLINE_EXCEEDED": 1, "CANCELLED": 1}


async def test_what_is_being_served_is_shown_until_it_ends(served: rpcs.Served, recorded: Recorded) -> None:
    with show_rpcs():
        calling = asyncio.create_task(
            call(served.stub.ListSessions, pb.ListSessionsRequest(), timeout=20.0, token=served.token)
        )
        async with asyncio.timeout(5):
            while not in_flight.count:  # noqa: ASYNC110 - a plain number on the hot path
                await asyncio.sleep(0.01)
        assert recorded.value("preau.rpc.in_flight") == 1
        calling.cancel()
        await asyncio.wait({calling})
        await asyncio.wait_for(served.answers.cancelled.wait(), 5)
        await asyncio.sleep(0)
        assert recorded.value("preau.rpc.in_flight") == 0
        assert recorded.attributes("preau.rpc.in_flight") == [{}]
    assert recorded.attributes("preau.rpc.in_flight") == []


async def test_a_pool_shows_who_has_who_waits_and_who_could_have(migrated_urls: Any, recorded: Recorded) -> None:
    database = Database(migrated_urls.app, pool_size=2)

    def count(state: str) -> float:
        labels = {"db.client.connection.pool.name": "serve", "db.client.connection.state": state}
        return recorded.value("db.client.connection.count", labels)

    pool = {"db.client.connection.pool.name": "serve"}
    try:
        with show_pools(database, database):
            assert recorded.value("db.client.connection.max", pool) == 2
            async with database.lease(), database.lease():
                waiting = asyncio.create_task(database.fetchval("SELECT 1"))
                await asyncio.sleep(0.05)
                assert (count("used"), count("idle")) == (2, 0)
                assert recorded.value("db.client.connection.pending_requests", pool) == 1
            assert await waiting == 1
            assert (count("used"), count("idle")) == (0, 2)
            assert recorded.value("db.client.connection.pending_requests", pool) == 0
    finally:
        await database.close()


async def test_the_pool_forgets_who_gave_up_waiting(migrated_urls: Any) -> None:
    database = Database(migrated_urls.app, pool_size=1)
    try:
        async with database.lease():
            waiting = asyncio.create_task(database.fetchval("SELECT 1"))
            await asyncio.sleep(0.05)
            waiting.cancel()
            await asyncio.wait({waiting})
            assert (database.pool.used, database.pool.waiting) == (1, 0)
        assert (database.pool.used, database.pool.waiting) == (0, 0)
    finally:
        await database.close()


async def test_messages_are_counted_by_what_became_of_them_and_dead_ones_until_replayed(
    database: Database, work_database: Database, nats_client: Nats, clean: None, recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("preau_chassis.consumer_watch._LOOK_SECONDS", 0.05)
    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), events.Reader()
    reader.failures = {"broken": [ValueError("x")], "early": [RetryLater()]}
    runner = ConsumerRunner(events.consumer_of(reader), database, nats_client)

    def handled(outcome: str) -> float:
        return recorded.value("preau.message.duration", GROUP | {"preau.outcome": outcome})

    async def shows(name: str, value: float) -> None:
        async def is_shown() -> bool:
            return recorded.attributes(name) == [GROUP] and recorded.value(name, GROUP) == value

        await events.eventually(is_shown)

    async with events.running(Leader("billing", work_database).lead(relay), runner.run()):
        await events.publish(database, "good", "broken", "early")

        async def done() -> bool:
            return handled("done") == 2 and handled("dead") == 1

        await events.eventually(done)
        assert handled("later") == 1
        await shows("preau.dead_letters", 1)
        await shows("preau.consumer.pending", 0)
        await shows("preau.consumer.ack_pending", 0)
        assert recorded.value("preau.consumer.fetch_age", GROUP) < 6
        await replay_dead_letters(nats_client, "test-reader")
        await shows("preau.dead_letters", 0)
    assert recorded.attributes("preau.consumer.pending") == []


async def test_a_consumer_that_is_held_up_falls_behind(
    database: Database, work_database: Database, nats_client: Nats, clean: None, recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("preau_chassis.consumer_watch._LOOK_SECONDS", 0.05)
    relay, reader = OutboxRelay(service="billing", nats_client=nats_client), events.Reader()
    runner = ConsumerRunner(events.consumer_of(reader), database, nats_client)
    await events.publish(database, *(str(number) for number in range(80)))
    # All connections are taken: the first message waits for one, and what the broker has not given yet stays there.
    async with (
        database.lease(), database.lease(), database.lease(), database.lease(),
        events.running(Leader("billing", work_database).lead(relay), runner.run()),
    ):  # fmt: skip

        async def is_behind() -> bool:
            given = recorded.value("preau.consumer.ack_pending", GROUP)
            return given > 0 and given + recorded.value("preau.consumer.pending", GROUP) == 80

        await events.eventually(is_behind)
        assert recorded.value("preau.consumer.pending", GROUP) > 0


async def test_only_the_leading_relay_tells_what_is_unpublished(
    database: Database, work_database: Database, nats_client: Nats, clean: None, recorded: Recorded,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("preau_chassis.outbox._LOOK_SECONDS", 0.0)
    relay = OutboxRelay(service="billing", nats_client=nats_client)
    database.on_nudge(relay.nudge)
    await events.publish(database, "one", "two")
    await asyncio.sleep(0.2)
    assert recorded.attributes("preau.outbox.age") == []
    started = asyncio.Event()
    published = relay.publish_batch

    async def slowly(raw: Any) -> int:
        await started.wait()
        return await published(raw)

    monkeypatch.setattr(relay, "publish_batch", slowly)
    async with events.running(Leader("billing", work_database).lead(relay)):

        async def sees_two() -> bool:
            return recorded.value("preau.outbox.waiting") == 2

        await events.eventually(sees_two)
        assert 0.2 <= recorded.value("preau.outbox.age") < 60
        started.set()

        async def sees_none() -> bool:
            relay.nudge()
            return recorded.attributes("preau.outbox.waiting") == [{}] and not recorded.value("preau.outbox.waiting")

        await events.eventually(sees_none)
        assert recorded.value("preau.outbox.age") == 0
    assert recorded.attributes("preau.outbox.age") == []


async def test_a_job_tells_how_it_went_and_when_it_last_went_well(recorded: Recorded) -> None:
    leading, turns = asyncio.Event(), 0

    async def run() -> None:
        nonlocal turns
        turns += 1
        if turns > 1:
            raise UnavailableError("DATABASE_UNAVAILABLE")

    name = {"preau.job": "sweep"}
    task = asyncio.create_task(run_job(Job("sweep", timedelta(seconds=0.05), run), leading))
    await asyncio.sleep(0.05)
    assert recorded.attributes("preau.job.success_age") == []
    leading.set()
    async with asyncio.timeout(5):
        while turns < 4:  # noqa: ASYNC110 - the job's own count
            await asyncio.sleep(0.01)
    age = recorded.value("preau.job.success_age", name)
    assert 0.05 < age < 5
    assert recorded.value("preau.job.duration", name | {"preau.outcome": "done"}) == 1
    assert recorded.value("preau.job.duration", name | {"preau.outcome": "failed"}) >= 2
    leading.clear()
    assert recorded.attributes("preau.job.success_age") == []
    task.cancel()
    await asyncio.wait({task})


async def test_a_loop_that_is_held_up_is_late(recorded: Recorded) -> None:
    watching = asyncio.create_task(watch_event_loop())
    await asyncio.sleep(0.4)
    time.sleep(0.4)  # noqa: ASYNC251 - what must not happen, on purpose
    await asyncio.sleep(0.05)
    watching.cancel()
    assert recorded.value("preau.event_loop.lag") == 1
    assert 0.2 < recorded.seconds("preau.event_loop.lag") < 2
