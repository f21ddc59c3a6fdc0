from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from nats.aio.client import Client as Nats
from preau.identity.v1 import identity_service_pb2 as pb
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_chassis.client import call, close_channel, open_channel
from preau_chassis.database import Database
from preau_chassis.testing import TokenMint
from preau_kernel.errors import DomainError
from preau_stack.broker import Broker
from preau_stack.ports import free_ports
from preau_stack.postgres import PostgresServer

from tests.integration.chassis.conftest import Urls, context

if TYPE_CHECKING:
    from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

NOT_YET = health_pb2.HealthCheckResponse.NOT_SERVING
SERVING = health_pb2.HealthCheckResponse.SERVING


@pytest.fixture
async def settings(migrated_urls: Urls, broker: Broker, nats_client: Nats) -> dict[str, str]:
    for stream in ("BILLING", "DLQ"):
        with suppress(Exception):
            await nats_client.jsm().delete_stream(stream)
    mint = TokenMint()
    (port,) = free_ports(1)
    return {
        "ENV": "test",
        "DATABASE_URL": migrated_urls.app,
        "WORK_DATABASE_URL": migrated_urls.work,
        "OWNER_DATABASE_URL": migrated_urls.owner,
        "NATS_URL": broker.url,
        "LISTEN": f"127.0.0.1:{port}",
        "JWKS": await mint.jwks_source(),
        "token": mint.token(context()),
    }


@asynccontextmanager
async def process(verb: str, settings: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment |= {f"PREAU_{name}": value for name, value in settings.items() if name.isupper()}
    running = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error::ResourceWarning",
        "-m",
        "tests.integration.chassis.small_service",
        verb,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        output, errors = await running.communicate()
        sys.stdout.write((output + errors).decode())  # shown when the test fails


@asynccontextmanager
async def stub_of(settings: dict[str, str]) -> AsyncIterator[tuple[IdentityServiceAsyncStub, Any]]:
    channel = open_channel(settings["LISTEN"])
    try:
        yield IdentityServiceStub(channel), health_pb2_grpc.HealthStub(channel)
    finally:
        await close_channel(channel)


async def eventually(check: Callable[[], Any], seconds: float = 20) -> None:
    async with asyncio.timeout(seconds):
        while not await check():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.05)


async def has_status(health: Any, status: int) -> bool:
    try:
        return bool((await health.Check(health_pb2.HealthCheckRequest(), timeout=1)).status == status)
    except Exception:  # noqa: BLE001 - away, whatever the way
        return False


@asynccontextmanager
async def closing(database: Database) -> AsyncIterator[Database]:
    try:
        yield database
    finally:
        await database.close()


async def sign_out(stub: IdentityServiceAsyncStub, settings: dict[str, str], note: str) -> None:
    await call(stub.SignOut, pb.SignOutRequest(session_token=note), timeout=2.0, token=settings["token"])


async def notes(database: Database) -> list[str]:
    async with database.unit_of_work(context()) as uow:
        return [row["note"] for row in await uow.fetch("SELECT note FROM effect ORDER BY id")]


async def test_all_serves_relays_consumes_runs_jobs_and_stops_quickly(
    settings: dict[str, str], database: Database, work_database: Database
) -> None:
    async with process("all", settings) as running, stub_of(settings) as (stub, health):
        await eventually(lambda: has_status(health, SERVING))
        await sign_out(stub, settings, "one")

        async def arrived() -> bool:
            return await notes(database) == ["one"]

        await eventually(arrived, 5)

        async def ticked() -> bool:
            return bool(await work_database.fetchval("SELECT count(*) FROM effect WHERE note = 'tick'"))

        await eventually(ticked, 5)
        before = time.monotonic()
        running.send_signal(signal.SIGTERM)
        output, errors = await asyncio.wait_for(running.communicate(), 5)
        assert running.returncode == 0, errors
        assert time.monotonic() - before < 3
    lines = [json.loads(line) for line in output.splitlines()]
    rpc = next(line for line in lines if line["event"] == "rpc")
    assert (rpc["rpc"], rpc["code"], rpc["tenant"], rpc["service"]) == (
        "preau.identity.v1.IdentityService/SignOut",
        "OK",
        "casepilote",
        "billing",
    )
    message = next(line for line in lines if line["event"] == "message")
    assert message["trace_id"] == rpc["trace_id"], "one trace from the call to the effect"
    assert errors == b""


async def test_serve_and_work_apart_find_each_other(settings: dict[str, str], database: Database) -> None:
    (port,) = free_ports(1)
    elsewhere = settings | {"LISTEN": f"127.0.0.1:{port}"}
    async with process("serve", settings), process("work", elsewhere), stub_of(settings) as (stub, health):
        await eventually(lambda: has_status(health, SERVING))
        await sign_out(stub, settings, "warm")

        async def arrived() -> bool:
            return len(await notes(database)) >= 1

        await eventually(arrived, 15)
        await sign_out(stub, settings, "nudged")

        async def both() -> bool:
            return await notes(database) == ["warm", "nudged"]

        await eventually(both, 5)
        assert await notes(database) == ["warm", "nudged"]


async def test_a_killed_process_leaves_nothing_undone(settings: dict[str, str], database: Database) -> None:
    wanted = {f"n{number}" for number in range(30)}
    async with stub_of(settings) as (stub, health):
        async with process("all", settings) as first:
            await eventually(lambda: has_status(health, SERVING))
            for note in sorted(wanted):
                await sign_out(stub, settings, note)
            first.kill()
        async with process("all", settings):

            async def done() -> bool:
                return len(await notes(database)) >= len(wanted)

            await eventually(done, 30)
    assert sorted(await notes(database)) == sorted(wanted)


async def test_restarts_of_database_and_broker_are_survived(
    settings: dict[str, str], migrated_urls: Urls, postgres: PostgresServer, broker: Broker
) -> None:
    async with (
        closing(Database(migrated_urls.app, pool_size=2)) as database,
        process("all", settings),
        stub_of(settings) as (stub, health),
    ):
        await eventually(lambda: has_status(health, SERVING))
        await sign_out(stub, settings, "before")
        await asyncio.to_thread(postgres.stop)
        await eventually(lambda: has_status(health, NOT_YET))
        with pytest.raises(DomainError) as raised:
            await sign_out(stub, settings, "refused")
        assert raised.value.reason == "DATABASE_UNAVAILABLE"
        await asyncio.to_thread(postgres.start)
        await eventually(lambda: has_status(health, SERVING))
        await sign_out(stub, settings, "between")
        await asyncio.to_thread(broker.stop)
        await sign_out(stub, settings, "without broker")
        await asyncio.to_thread(broker.start)
        await eventually(lambda: has_status(health, SERVING))
        await sign_out(stub, settings, "after")

        async def done() -> bool:
            try:
                return len(await notes(database)) >= 4
            except DomainError:
                return False

        await eventually(done, 30)
        assert sorted(await notes(database)) == ["after", "before", "between", "without broker"]


async def test_a_bad_environment_is_one_line_and_status_2(settings: dict[str, str]) -> None:
    bad = settings | {"POOL_SIZE": "many", "ENV": "production", "NOW": "2025-08-20T09:00:00-04:00"}
    async with process("all", bad) as running:
        _, errors = await running.communicate()
        assert running.returncode == 2
    assert errors.decode().startswith("PREAU_POOL_SIZE: ")
    assert len(errors.splitlines()) == 1
    del bad["POOL_SIZE"]
    async with process("all", bad) as running:
        _, errors = await running.communicate()
    assert errors.decode() == "PREAU_NOW is refused when PREAU_ENV is production\n"


async def test_migrate_twice_at_once_is_safe(settings: dict[str, str], nats_client: Nats) -> None:
    async with process("migrate", settings) as first, process("migrate", settings) as second:
        results = await asyncio.gather(first.communicate(), second.communicate())
        assert (first.returncode, second.returncode) == (0, 0), results
    info = await nats_client.jsm().stream_info("BILLING")
    assert info.config.subjects == ["evt.*.billing.>"]
    assert (await nats_client.jsm().stream_info("DLQ")).config.subjects == ["dlq.>"]
