from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import grpc.aio
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

# One start in three crashes where gRPC keeps its fork handlers, measured with grpcio 1.85.
STARTS = 60


class Calls(threading.Thread):
    """A loop of its own in which calls are always open."""

    def __init__(self) -> None:
        super().__init__()
        self.began = threading.Event()
        self.enough = threading.Event()

    def run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        server = grpc.aio.server()
        health_pb2_grpc.add_HealthServicer_to_server(health.aio.HealthServicer(), server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        await asyncio.gather(*(self._call(port) for _ in range(4)))
        await server.stop(0)

    async def _call(self, port: int) -> None:
        while not self.enough.is_set():
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                health_stub: Any = health_pb2_grpc.HealthStub(channel)
                await health_stub.Check(health_pb2.HealthCheckRequest())
            self.began.set()


@pytest.fixture
def open_calls() -> Iterator[Calls]:
    calls = Calls()
    calls.start()
    assert calls.began.wait(10)
    yield calls
    calls.enough.set()
    calls.join(10)


@pytest.mark.usefixtures("open_calls")
def test_a_program_starts_under_a_user_while_grpc_calls_are_open() -> None:
    ended = [subprocess.run(["/bin/true"], check=False, user=os.getuid()).returncode for _ in range(STARTS)]
    assert ended == [0] * STARTS
