"""The way in: what an ingress controller and port-forwards are on a cluster. Bytes in, bytes out, pods in turn."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from typing import Any

from preau_stack.ports import LOOPBACK

Address = tuple[str, int]


class Proxy:
    """Listens on loopback ports, in a thread of its own; each port has a list of pods that may change at any time."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._thread.start()
        self._pods: dict[int, list[Address]] = {}
        self._turn = 0
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[None] | None] = set()

    def listen(self, port: int) -> None:
        self._pods[port] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # The loop holds its tasks weakly.
            task = asyncio.current_task()
            self._tasks.add(task)
            try:
                await self._forward(port, reader, writer)
            finally:
                self._tasks.discard(task)

        self._servers.append(self._run(asyncio.start_server(serve, LOOPBACK, port)))

    def point(self, port: int, pods: list[Address]) -> None:
        """New connections to ``port`` go to these."""
        self._pods[port] = list(pods)

    def close(self) -> None:
        self._run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _end(self) -> None:
        for server in self._servers:
            server.close()
        forwarding = asyncio.all_tasks() - {asyncio.current_task()}
        for task in forwarding:
            task.cancel()
        await asyncio.gather(*forwarding, return_exceptions=True)

    async def _forward(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await self._connect(port)
            try:
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
            finally:
                await _end(back)
        except OSError:
            return
        finally:
            await _end(writer)

    async def _connect(self, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        pods = self._pods[port]
        for _ in pods:
            self._turn += 1
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(*pods[self._turn % len(pods)])
        raise ConnectionRefusedError


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


async def _end(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
