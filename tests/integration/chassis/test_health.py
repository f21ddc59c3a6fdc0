"""What Kubernetes asks a pod: alive by itself, ready with its database and broker."""

from __future__ import annotations

import asyncio
import signal
from contextlib import aclosing
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from preau.identity.v1 import identity_service_pb2 as pb
from preau_chassis.client import close_channel, open_channel
from preau_chassis.server import LIVE, GrpcServer
from preau_chassis.settings import SettingsError
from preau_stack.ports import free_ports

from tests.integration.chassis.test_process import NOT_YET, SERVING, eventually, has_status, process, settings, stub_of

__all__ = ["settings"]


async def status(health: Any, name: str) -> int:
    return int((await health.Check(health_pb2.HealthCheckRequest(service=name), timeout=2)).status)


async def is_alive(health: Any) -> bool:
    try:
        return await status(health, LIVE) == SERVING
    except grpc.aio.AioRpcError:
        return False


async def test_work_answers_health_and_nothing_else(settings: dict[str, str]) -> None:
    async with process("work", settings) as running, stub_of(settings) as (stub, health):
        await eventually(lambda: has_status(health, SERVING))
        assert await status(health, LIVE) == SERVING
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.SignOut(pb.SignOutRequest(), timeout=2)
        assert raised.value.code() is grpc.StatusCode.UNIMPLEMENTED
        running.send_signal(signal.SIGTERM)
        _, errors = await asyncio.wait_for(running.communicate(), 10)
        assert (running.returncode, errors) == (0, b"")


@pytest.mark.parametrize("verb", ["serve", "work"])
async def test_a_process_without_its_broker_is_alive_and_not_ready(settings: dict[str, str], verb: str) -> None:
    (nobody,) = free_ports(1)
    alone = settings | {"NATS_URL": f"nats://127.0.0.1:{nobody}"}
    async with process(verb, alone) as running, stub_of(settings) as (stub, health):
        await eventually(lambda: is_alive(health))
        assert await status(health, "") == NOT_YET
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stub.SignOut(pb.SignOutRequest(), timeout=2)
        assert raised.value.code() is grpc.StatusCode.UNAVAILABLE, "callers try again elsewhere"
        running.send_signal(signal.SIGTERM)
        await asyncio.wait_for(running.wait(), 10)
        assert running.returncode == 0


async def test_a_process_whose_event_loop_stands_still_does_not_answer(settings: dict[str, str]) -> None:
    async with process("serve", settings) as running, stub_of(settings) as (_, health):
        await eventually(lambda: is_alive(health))
        running.send_signal(signal.SIGSTOP)
        assert not await is_alive(health)
        running.send_signal(signal.SIGCONT)
        await eventually(lambda: is_alive(health))


async def test_a_port_that_is_taken_is_one_line_that_names_the_variable(settings: dict[str, str]) -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    taken = server.sockets[0].getsockname()[1]
    async with process("work", settings | {"LISTEN": f"127.0.0.1:{taken}"}) as running:
        _, errors = await running.communicate()
    server.close()
    assert running.returncode == 2
    assert errors.decode().splitlines()[-1] == f"PREAU_LISTEN: cannot listen on 127.0.0.1:{taken}"


async def test_while_it_drains_a_server_is_alive_and_not_ready() -> None:
    server = GrpcServer(service="test", listen="127.0.0.1:0")
    await server.start()
    await server.admit(())
    channel = open_channel(f"127.0.0.1:{server.port}")
    health: Any = health_pb2_grpc.HealthStub(channel)
    seen: dict[str, list[int]] = {"": [], LIVE: []}

    async def watch(name: str) -> None:
        request = health_pb2.HealthCheckRequest(service=name)
        async with aclosing(_answers(health.Watch(request, timeout=20))) as answers:
            async for answer in answers:
                seen[name].append(answer)

    watching = [asyncio.create_task(watch(name)) for name in seen]
    async with asyncio.timeout(5):
        while not all(seen.values()):  # noqa: ASYNC110 - both watches tell
            await asyncio.sleep(0.02)
    await server.stop(grace=1)
    await asyncio.gather(*watching, return_exceptions=True)
    await close_channel(channel)
    assert seen == {"": [SERVING, NOT_YET], LIVE: [SERVING]}


async def _answers(stream: Any) -> Any:
    async for answer in stream:
        yield answer.status


async def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="PREAU_LISTEN"):
        await GrpcServer(service="test", listen="999.1.1.1:1").start()
