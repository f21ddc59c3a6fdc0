"""The ASGI application: addresses to handlers."""

from __future__ import annotations

from importlib.resources import files

from jinja2 import Environment, PackageLoader

from payfip_simulator.admin import Admin
from payfip_simulator.clock import PARIS, Clock
from payfip_simulator.notify import Notifier
from payfip_simulator.page import PaymentPage
from payfip_simulator.service import SoapService
from payfip_simulator.settings import Settings
from payfip_simulator.store import Store
from payfip_simulator.web import Handler, Receive, Request, Response, Scope, Send, respond


class Simulator:
    """The whole simulator; ``close`` when done."""

    def __init__(self, settings: Settings, notifier: Notifier | None = None) -> None:
        self._store = Store(settings.data)
        self._notifier = notifier or Notifier()
        clock = Clock(settings.now, settings.now_anchor, self._store.advanced)
        service = SoapService(self._store, clock)
        pages = _pages()
        page = PaymentPage(service, self._store, clock, self._notifier, pages)
        admin = Admin(service, self._store, clock, self._notifier, pages)
        self._routes: dict[tuple[str, str], Handler] = {
            ("GET", "/tpa/services/securite"): service.description,
            ("POST", "/tpa/services/securite"): service.call,
            ("GET", "/tpa/paiementws.web"): page.open,
            ("POST", "/tpa/paiementws.web"): page.submit,
            ("GET", "/admin"): admin.page,
            ("POST", "/admin"): admin.submit,
            ("GET", "/"): _home,
            ("GET", "/healthz"): _health,
            ("GET", "/static/payfip.css"): _style,
        }
        self._api = admin.api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await respond(self._handle, scope, receive, send)

    async def close(self) -> None:
        await self._notifier.close()
        self._store.close()

    async def _handle(self, request: Request) -> Response:
        if request.path.startswith("/admin") and request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
            # Another site's page may not move the switches through the browser of whoever develops here.
            return Response.json({"error": "another site"}, 403)
        if request.path.startswith("/admin/api/"):
            return await self._api(request)
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            is_known = any(path == request.path for _, path in self._routes)
            return Response(b"", 405 if is_known else 404)
        return await handler(request)


def _pages() -> Environment:
    environment = Environment(loader=PackageLoader("payfip_simulator"), autoescape=True)
    environment.filters["euros"] = lambda cents: f"{int(cents) // 100},{int(cents) % 100:02d}\u00a0€"
    environment.filters["card"] = lambda number: " ".join(number[at : at + 4] for at in range(0, len(number), 4))
    environment.filters["paris"] = lambda instant: f"{instant.astimezone(PARIS):%d/%m/%Y %H:%M:%S}"
    return environment


async def _home(_request: Request) -> Response:
    return Response.redirect("/admin")


async def _health(_request: Request) -> Response:
    return Response.json({"status": "ok"})


async def _style(_request: Request) -> Response:
    sheet = files("payfip_simulator").joinpath("static/payfip.css").read_bytes()
    return Response(sheet, content_type="text/css; charset=utf-8")
