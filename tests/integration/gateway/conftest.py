from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from gateway.app import create_app
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from litestar import Request, Response, get, post

from tests.fixtures.fake_services import running_fakes
from tests.fixtures.fake_world import PASSWORD, World

HOST = "http://casepilote.localhost:8080"


@get("/essai", include_in_schema=False)
async def form_page(request: Request[Any, Any, Any]) -> Response[bytes]:
    """A page with a form token, as every page has one."""
    tokens = request.app.state.form_tokens
    return Response(tokens.make(request).encode(), media_type="text/html")


@post("/essai", include_in_schema=False, status_code=200)
async def form_target() -> Response[bytes]:
    return Response(b"done", media_type="text/html")


def settings_for(address: str, **changes: Any) -> GatewaySettings:
    values: dict[str, Any] = {
        "env": "test",
        "identity_address": address,
        "agenda_address": address,
        "billing_address": address,
        "payment_address": address,
        "service_secret": "service-secret",
        "cookie_secret": "cookie-secret-cookie-secret-cookie-secret",
    }
    return GatewaySettings(**{**values, **changes})


@asynccontextmanager
async def running(edge: Edge) -> AsyncIterator[Edge]:
    """The application with its lifespan, entered and left by one task as a server does."""
    started, stopping = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with edge.application.lifespan():
            started.set()
            await stopping.wait()

    task = asyncio.create_task(live())
    await started.wait()
    try:
        yield edge
    finally:
        stopping.set()
        await task


def client_of(edge: Edge, base_url: str = HOST) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=edge, raise_app_exceptions=False)  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url=base_url)


@pytest.fixture(scope="session")
async def fakes() -> AsyncIterator[tuple[World, str]]:
    world = World()
    async with running_fakes(world) as address:
        yield world, address


@pytest.fixture
async def world(fakes: tuple[World, str]) -> World:
    """The fakes, as new."""
    known, _ = fakes
    known.__init__()  # type: ignore[misc]
    return known


@pytest.fixture
async def edge(fakes: tuple[World, str], world: World) -> AsyncIterator[Edge]:
    app = create_app(settings_for(fakes[1]), pages=[form_page, form_target])
    async with running(app) as live:
        yield live


@pytest.fixture
async def anyone(edge: Edge) -> AsyncIterator[httpx.AsyncClient]:
    """A client of Case-Pilote that nobody knows."""
    async with client_of(edge) as client:
        yield client


@pytest.fixture
async def parent(anyone: httpx.AsyncClient) -> httpx.AsyncClient:
    """The same client, signed in."""
    answer = await anyone.post("/api/v1/sessions", json={"username": "parent.demo", "password": PASSWORD})
    anyone.headers["Authorization"] = f"Bearer {answer.json()['token']}"
    return anyone
