"""The server-to-server notification: the idOp and nothing else, unsigned."""

from __future__ import annotations

import asyncio
import logging

import httpx

from payfip_simulator.payments import Payment
from payfip_simulator.switches import Switches

_LOG = logging.getLogger("payfip_simulator.notify")
_TIMEOUT_SECONDS = 5.0


class LocalhostTransport(httpx.AsyncHTTPTransport):
    """Reaches ``*.localhost`` on the loopback address, which not every resolver does, and keeps the Host header."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host.endswith(".localhost"):
            request.url = request.url.copy_with(host="127.0.0.1")
        return await super().handle_async_request(request)


class Notifier:
    """Sends notifications as the switches say."""

    def __init__(self, client: httpx.AsyncClient | None = None) -> None:
        self._client = client or httpx.AsyncClient(
            transport=LocalhostTransport(), timeout=_TIMEOUT_SECONDS, follow_redirects=False, trust_env=False
        )
        self._tasks: set[asyncio.Task[None]] = set()

    async def concluded(self, payment: Payment, switches: Switches) -> None:
        """Before the browser is sent back, unless a switch delays it."""
        if switches.drop_notification:
            return
        times = 2 if switches.duplicate_notification else 1
        if switches.delay_notification:
            task = asyncio.create_task(self._later(payment, times, switches.delay_notification))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
            return
        await self.send(payment, times)

    async def send(self, payment: Payment, times: int = 1) -> int:
        """The status of the last answer, 0 when nobody answered; nothing is retried, as in real life."""
        status = 0
        for _ in range(times):
            try:
                response = await self._client.post(payment.urlnotif, data={"idop": payment.id_op})
            except httpx.HTTPError as error:
                _LOG.warning("notification not delivered: %s", type(error).__name__)
            else:
                status = response.status_code
        return status

    async def close(self) -> None:
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.aclose()

    async def _later(self, payment: Payment, times: int, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self.send(payment, times)
