"""The admin page, and the JSON that tests and the platform's own command use."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from urllib.parse import unquote

from jinja2 import Environment

from payfip_simulator.clock import Clock
from payfip_simulator.notify import Notifier
from payfip_simulator.payments import State
from payfip_simulator.service import SoapService
from payfip_simulator.store import Store
from payfip_simulator.switches import LABELS, Switches
from payfip_simulator.web import BadRequestError, Request, Response

_PAYMENTS = "/admin/api/payments/"


class Admin:
    """``/admin`` and ``/admin/api``."""

    def __init__(
        self, service: SoapService, store: Store, clock: Clock, notifier: Notifier, pages: Environment
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._pages = pages

    async def page(self, _request: Request) -> Response:
        switches = [
            {"name": name, "label": LABELS[name], "value": value, "is_duration": isinstance(value, float)}
            for name, value in asdict(self._store.switches).items()
        ]
        page = self._pages.get_template("admin.html").render(
            switches=switches, payments=self._store.latest(50), now=self._clock.now()
        )
        return Response(page.encode())

    async def submit(self, request: Request) -> Response:
        """The page's forms: switches, clock, purge."""
        form = request.form
        if form.get("action") == "purge":
            self._store.delete_unopened()
        elif form.get("action") == "advance":
            self._advance(_number(form.get("seconds", "")))
        else:
            defaults = asdict(Switches())
            self._store.switches = Switches().changed(
                {
                    name: _number(form.get(name) or "0") if isinstance(default, float) else name in form
                    for name, default in defaults.items()
                }
            )
        return Response.redirect("/admin")

    async def api(self, request: Request) -> Response:
        """Every ``/admin/api`` address."""
        if request.path.startswith(_PAYMENTS):
            return await self._payment(request)
        if request.method == "GET":
            return self._read(request.path)
        return self._change(request)

    def _read(self, path: str) -> Response:
        if path == "/admin/api/switches":
            return Response.json(asdict(self._store.switches))
        if path == "/admin/api/payments":
            return Response.json({"items": [payment.as_json() for payment in self._store.latest()]})
        if path == "/admin/api/clock":
            return Response.json({"now": self._clock.now().isoformat()})
        return Response.json({"error": "unknown address"}, 404)

    def _change(self, request: Request) -> Response:
        document = request.json()
        if request.path == "/admin/api/switches":
            before = Switches() if request.method == "PUT" else self._store.switches
            self._store.switches = before.changed(document)
            return Response.json(asdict(self._store.switches))
        if request.path == "/admin/api/clock/advance":
            self._advance(_number(document.get("seconds")))
            return Response.json({"now": self._clock.now().isoformat()})
        if request.path == "/admin/api/purge":
            return Response.json({"purged": self._store.delete_unopened()})
        if request.path == "/admin/api/reset":
            self._store.clear()
            self._clock.advanced = timedelta(0)
            return Response.json({})
        return Response.json({"error": "unknown address"}, 404)

    async def _payment(self, request: Request) -> Response:
        id_op, _, verb = unquote(request.path.removeprefix(_PAYMENTS)).partition("/")
        payment = self._service.find(id_op)
        if payment is None:
            return Response.json({"error": "P1"}, 404)
        if request.method == "GET" and not verb:
            return Response.json(payment.as_json())
        if verb == "notify":
            request.json()
            return Response.json({"status": await self._notifier.send(payment)})
        if verb == "result":
            # As if the payer had finished on the page; the notification is asked for apart.
            letter = request.json().get("result")
            if letter not in {state.value for state in State if state.is_final}:
                raise BadRequestError("result is one of P, V, R, Z, A")
            payment.conclude(State(letter), self._clock.now())
            self._store.save(payment)
            return Response.json(payment.as_json())
        return Response.json({"error": "unknown address"}, 404)

    def _advance(self, seconds: float) -> None:
        self._clock.advance(timedelta(seconds=seconds))
        self._store.advanced = self._clock.advanced


def _number(value: object) -> float:
    try:
        number = float(str(value))
    except ValueError:
        raise BadRequestError("a number expected") from None
    if not 0 <= number <= 400 * 86_400:
        raise BadRequestError("out of range")
    return number
