"""The gateway's pages in front of a small town in memory, and Debian's browser."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from gateway.app import create_app
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from granian.constants import Interfaces
from granian.server.embed import Server
from playwright.async_api import Browser, BrowserContext, Page, async_playwright
from preau_kernel.clock import OffsetClock
from pydantic import SecretStr

from tests.e2e.pages.small_town import NOW, SmallTown
from tests.e2e.pages.town_services import running_town

PASSWORD = "Cantine-Demo-2025"
CHROMIUM = "/usr/bin/chromium"
PHONE, DESKTOP = 390, 1280


class DayClock:
    """Runs as the machine's does, and is back at the town's first hour with each test."""

    def __init__(self) -> None:
        self.begin_again()

    def begin_again(self) -> None:
        self._running = OffsetClock(NOW, datetime.now(UTC))

    def now(self) -> datetime:
        return self._running.now()


@dataclass
class Site:
    """Where the pages are, and the town behind them."""

    url: str
    port: int
    town: SmallTown
    clock: DayClock
    app: Edge

    def end_sessions(self) -> None:
        """What idleness does: identity forgets the sessions, and the gateway what it knew of them."""
        self.town.sessions.clear()
        self.app.application.state.sessions.forget_account("account-1")

    def client(self) -> httpx.AsyncClient:
        """A browser without scripts, cookies and all."""
        return httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{self.port}",
            headers={"Host": f"casepilote.localhost:{self.port}", "Accept-Language": "fr"},
            follow_redirects=True,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def running_site() -> AsyncIterator[Site]:
    town, port, clock = SmallTown(), free_port(), DayClock()
    async with running_town(town) as address:
        settings = GatewaySettings(
            env="test",
            identity_address=address,
            agenda_address=address,
            billing_address=address,
            payment_address=address,
            service_secret=SecretStr("s" * 32),
            cookie_secret=SecretStr("c" * 32),
        )
        app = create_app(settings, clock)
        server = Server(
            app,
            address="127.0.0.1",
            port=port,
            interface=Interfaces.ASGI,
            websockets=False,
            log_enabled=False,
        )
        serving = asyncio.create_task(server.serve())
        async with httpx.AsyncClient() as client:
            for _ in range(100):
                with contextlib.suppress(httpx.TransportError):
                    await client.get(f"http://127.0.0.1:{port}/health/live")
                    break
                await asyncio.sleep(0.1)
        yield Site(f"http://casepilote.localhost:{port}", port, town, clock, app)
        server.stop()  # type: ignore[no-untyped-call]  # granian is partly typed
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(serving, 5)


@pytest.fixture
def site(running_site: Site) -> Site:
    """The site, its town as on the first day."""
    running_site.town.reset()
    running_site.clock.begin_again()
    return running_site


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        found = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield found
        await found.close()


OpenPage = Callable[..., Awaitable[Page]]


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(browser: Browser) -> AsyncIterator[OpenPage]:
    """A new page with or without scripts, at a width."""
    contexts: list[BrowserContext] = []

    async def make(width: int = PHONE, *, scripts: bool = True, **options: Any) -> Page:
        context = await browser.new_context(
            viewport={"width": width, "height": 844}, java_script_enabled=scripts, locale="fr-FR", **options
        )
        contexts.append(context)
        return await context.new_page()

    yield make
    for context in contexts:
        await context.close()


async def sign_in(page: Page, url: str, username: str = "parent.demo", password: str = PASSWORD) -> None:
    """Through the form, as a parent does."""
    await page.goto(url + "/")
    await page.get_by_label("Nom d'utilisateur").fill(username)
    await page.get_by_label("Mot de passe", exact=True).fill(password)
    await page.get_by_role("button", name="Se connecter").click()
    await page.get_by_role("heading", level=1, name="Bonjour").wait_for()
