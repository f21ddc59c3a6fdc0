"""Parts of the contract tests: a process, a town, a payer."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from payment_gateway_svc.adapters.psp.payfip import PayfipProvider
from payment_gateway_svc.application.ports import PaymentOrder, ProviderSettings
from payment_gateway_svc.domain.attempt import LookUp, PaymentAttempt, Redirection, redirected
from preau_kernel.ids import uuid7
from preau_kernel.money import Money

ACCEPTED = "4111 1111 1111 1111"
REFUSED = "4000000000000002"
START = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)


def afternoon() -> dict[str, str]:
    """A clock that starts at 15:00 in Paris: operations nobody opened are purged at midnight there, whenever tests run."""
    return {"PREAU_NOW": START.isoformat(), "PREAU_NOW_ANCHOR": datetime.now(UTC).isoformat()}


class SimulatorProcess:
    """``python -m payfip_simulator`` until the end of the ``with``."""

    def __init__(self, port: int, data: Path, **environment: str) -> None:
        variables = {"PREAU_LISTEN": f"127.0.0.1:{port}", "PREAU_SIMULATOR_DATA": str(data), **environment}
        self._environment = {**os.environ, **variables}
        self.url = f"http://127.0.0.1:{port}"

    def __enter__(self) -> str:
        self._process = subprocess.Popen([sys.executable, "-m", "payfip_simulator"], env=self._environment)
        for _ in range(200):
            try:
                httpx.get(f"{self.url}/healthz", trust_env=False).raise_for_status()
            except httpx.HTTPError:
                assert self._process.poll() is None, "the simulator ended"
                time.sleep(0.05)
            else:
                break
        return self.url

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        assert self._process.wait(10) == 0


@dataclass
class Town:
    """The town's web server, as far as PayFiP sees it: it notes what is posted to it."""

    received: list[tuple[str, str, str]] = field(default_factory=list)
    is_down: bool = False
    port: int = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        return f"http://casepilote.localhost:{self.port}"

    async def received_soon(self, count: int) -> list[tuple[str, str, str]]:
        for _ in range(100):
            if len(self.received) >= count:
                break
            await asyncio.sleep(0.05)
        return self.received

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if ": " in line)
        body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        self.received.append((lines[0].split(" ")[1], headers["host"], body))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()


@dataclass
class Payfip:
    """The provider, and the browser of somebody who pays."""

    url: str
    provider: PayfipProvider
    browser: httpx.AsyncClient
    town: Town

    @property
    def settings(self) -> ProviderSettings:
        return self.settings_for("090909")

    def settings_for(self, client_number: str, mode: str = "T") -> ProviderSettings:
        values = {
            "client_number": client_number,
            "mode": mode,
            "service_url": f"{self.url}/tpa/services/securite",
            "page_url": f"{self.url}/tpa/paiementws.web",
        }
        return ProviderSettings("payfip", values)

    def order(self, amount: int = 5400) -> PaymentOrder:
        return PaymentOrder(
            amount=Money(amount),
            debt_reference="CP2025000123",
            description="Cantine & périscolaire – sept. 2025",
            payer_email="parent@example.org",
            fiscal_year=2025,
            return_url=f"{self.town.url}/paiement/retour/1?a=b",
            notify_url=f"{self.town.url}/webhooks/payfip",
        )

    async def create(self, mode: str = "T") -> Redirection:
        return await self.provider.create(self.order(), self.settings_for("090909", mode), await self.now())

    async def look_up(self, redirection: Redirection) -> LookUp:
        return await self.provider.fetch_status(redirection.provider_ref, self.settings)

    async def open(self, redirection: Redirection) -> httpx.Response:
        return await self.browser.get(redirection.url)

    async def pay(self, redirection: Redirection, number: str = ACCEPTED) -> httpx.Response:
        await self.open(redirection)
        return await self.submit(redirection, number=number, expiry="12/30", code="123", action="pay")

    async def abandon(self, redirection: Redirection) -> httpx.Response:
        await self.open(redirection)
        return await self.submit(redirection, action="abandon")

    async def submit(self, redirection: Redirection, **fields: str) -> httpx.Response:
        form = {"idop": redirection.provider_ref, **fields}
        return await self.browser.post("/tpa/paiementws.web", data=form)

    async def switch(self, **switches: bool | float) -> None:
        (await self.browser.post("/admin/api/switches", json=switches)).raise_for_status()

    async def advance(self, seconds: float) -> None:
        (await self.browser.post("/admin/api/clock/advance", json={"seconds": seconds})).raise_for_status()

    async def now(self) -> datetime:
        """What the simulator's clock shows."""
        return datetime.fromisoformat((await self.browser.get("/admin/api/clock")).json()["now"])

    async def admin(self, path: str, document: dict[str, Any]) -> Any:
        response = await self.browser.post(f"/admin/api/{path}", json=document)
        response.raise_for_status()
        return response.json()

    def attempt(self, redirection: Redirection) -> PaymentAttempt:
        """The attempt the gateway would have recorded."""
        attempt = PaymentAttempt(uuid7(), "invoice-1", "", Money(5400), "CP2025000123", "payfip", START)
        return redirected(attempt, redirection)


def parameters(location: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(location).query)
