"""The application: routes, what handlers may ask for, and what lives as long as the process."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions.base_exceptions import LitestarDeprecationWarning
from litestar.types import ControllerRouterHandler
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_chassis.client import open_channel
from preau_kernel.clock import Clock

from gateway.api.answer import JsonAnswer
from gateway.api.basket import BasketController
from gateway.api.bulk_entries import BulkEntriesController
from gateway.api.contract import require_json
from gateway.api.document import openapi_config
from gateway.api.family import FamilyController
from gateway.api.invoices import InvoicesController
from gateway.api.payments import PaymentsController
from gateway.api.reservations import ReservationsController
from gateway.api.sessions import SessionsController
from gateway.assets import Assets, static_file, town_theme
from gateway.auth import Sessions, Visitor, visitor_of
from gateway.clients import Clients
from gateway.csrf import FormTokens, require_form_token
from gateway.directory import Directory
from gateway.edge import Edge
from gateway.health import Readiness, live, ready
from gateway.problems import handle_error
from gateway.rendering import make_environment, now_in, today_in
from gateway.settings import GatewaySettings
from gateway.signing import Signer
from gateway.town import Town, Towns
from gateway.webhooks.controllers import payfip_notification

_WEB = Path(__file__).parent / "web"
_LARGEST_BODY = 1_000_000
_LARGEST_FORM = 2_000

AnyRequest = Request[Any, Any, Any]


async def _town(request: AnyRequest) -> Town:
    town: Town = request.scope["state"]["town"]
    return town


async def _visitor(request: AnyRequest) -> Visitor:
    return await visitor_of(request)


async def _clients(state: State) -> Clients:
    clients: Clients = state.clients
    return clients


async def _directory(state: State) -> Directory:
    directory: Directory = state.directory
    return directory


async def _now(request: AnyRequest) -> datetime:
    return now_in(request, request.scope["state"]["town"])


async def _today(request: AnyRequest) -> date:
    return today_in(request, request.scope["state"]["town"])


def create_app(
    settings: GatewaySettings, clock: Clock | None = None, pages: Sequence[ControllerRouterHandler] | None = None
) -> Edge:
    """The whole gateway as an ASGI application; channels are opened by its lifespan, in the loop that serves."""
    if pages is None:
        pages = _citizen_pages()
    time = clock or settings.clock()
    is_development = settings.env == "development"
    assets = Assets(_WEB / "static", is_development=is_development)
    cookie_secret = settings.cookie_secret.get_secret_value()
    state = State(
        {
            "settings": settings,
            "clock": time,
            "assets": assets,
            "templates": make_environment(assets, is_development=is_development),
            "form_tokens": FormTokens(cookie_secret),
            "notice_signer": Signer(cookie_secret, "notice"),
            "revision_signer": Signer(cookie_secret, "revision"),
        }
    )
    with warnings.catch_warnings():
        # Handlers read better with plain annotations; Litestar 3, which wants them marked, is another step.
        warnings.filterwarnings("ignore", category=LitestarDeprecationWarning)
        app = Litestar(
            route_handlers=[
                Router("/api/v1", route_handlers=_API, before_request=require_json, response_class=JsonAnswer),
                *pages,
                payfip_notification,
                static_file,
                town_theme,
                live,
                ready,
            ],
            dependencies={
                "town": Provide(_town),
                "visitor": Provide(_visitor),
                "clients": Provide(_clients),
                "directory": Provide(_directory),
                "now": Provide(_now),
                "today": Provide(_today),
            },
            guards=[require_form_token],
            exception_handlers={Exception: handle_error},
            lifespan=[_connections],
            openapi_config=openapi_config(),
            state=state,
            request_max_body_size=_LARGEST_BODY,
            multipart_form_part_limit=_LARGEST_FORM,
            logging_config=None,
            debug=False,
        )
    return Edge(app)


def _citizen_pages() -> Sequence[ControllerRouterHandler]:
    from gateway.citizen import route_handlers

    return route_handlers


@asynccontextmanager
async def _connections(app: Litestar) -> AsyncIterator[None]:
    """Channels belong to the loop that uses them: made here, closed here."""
    settings: GatewaySettings = app.state.settings
    clients = Clients.open(settings, app.state.clock)
    public = open_channel(settings.identity_address)
    app.state.clients = clients
    app.state.sessions = Sessions(clients, app.state.clock)
    app.state.directory = Directory(clients)
    app.state.towns = Towns(public)
    app.state.readiness = Readiness(IdentityServiceStub(public))
    try:
        yield
    finally:
        await clients.close()
        await public.close()


_API = [
    SessionsController,
    FamilyController,
    BulkEntriesController,
    ReservationsController,
    BasketController,
    InvoicesController,
    PaymentsController,
]
