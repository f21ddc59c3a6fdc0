"""The payer at the provider's page, as a browser behaves, and the simulator's switches."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from preau_stack.running import RunningPlatform

ACCEPTED = "4111 1111 1111 1111"
REFUSED = "4000 0000 0000 0002"


class Payfip:
    """The simulator seen from outside."""

    def __init__(self, platform: RunningPlatform) -> None:
        self._browser = httpx.AsyncClient(base_url=platform.simulator_url, timeout=30, trust_env=False)

    async def close(self) -> None:
        await self._browser.aclose()

    async def open(self, payment_url: str) -> dict[str, str]:
        """Show the page; the fields its form would send as they stand."""
        page = await self._browser.get(payment_url)
        assert page.status_code == 200, page.text
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))

    async def pay(self, payment_url: str, number: str = ACCEPTED) -> str:
        """Type a card and press « Payer »; where the browser is sent."""
        return await self.submit(await self.open(payment_url), number=number, expiry="12/30", code="123", action="pay")

    async def abandon(self, payment_url: str) -> str:
        return await self.submit(await self.open(payment_url), action="abandon")

    async def submit(self, hidden: dict[str, str], **fields: str) -> str:
        answer = await self._browser.post("/tpa/paiementws.web", data={**hidden, **fields})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def notify(self, payment_url: str) -> int:
        """Send the notification again; the gateway's status."""
        answer = await self._admin(f"payments/{operation_of(payment_url)}/notify", {})
        return int(answer["status"])

    async def switch(self, **switches: bool | float) -> None:
        await self._admin("switches", switches)

    @asynccontextmanager
    async def switched(self, **switches: bool | float) -> AsyncIterator[None]:
        """Switches for a while; all are off before and after."""
        await self.switch(**switches)
        try:
            yield
        finally:
            answer = await self._browser.put("/admin/api/switches", json={})
            answer.raise_for_status()

    async def _admin(self, path: str, document: dict[str, Any]) -> Any:
        answer = await self._browser.post(f"/admin/api/{path}", json=document)
        answer.raise_for_status()
        return answer.json()


def operation_of(payment_url: str) -> str:
    """The provider's own name of a payment."""
    return parse_qs(urlsplit(payment_url).query)["idop"][0]
