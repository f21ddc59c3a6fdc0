"""The outermost layer: town, root span, security headers, time limit. One plain ASGI class, once per request."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, cast

from litestar import HttpMethod, Request
from opentelemetry.trace import SpanKind
from preau_chassis.logs import get_logger
from preau_chassis.telemetry import Hop
from preau_kernel.errors import DomainError, ErrorKind

from gateway.clients.deadlines import TOTAL
from gateway.csrf import VISIT_COOKIE
from gateway.measures import measure
from gateway.problems import handle_error
from gateway.security import COMMON_HEADERS, HSTS_HEADER, is_secure

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import HTTPScope, Message, Receive, Scope, Send

    from gateway.settings import GatewaySettings
    from gateway.town import Town, Towns

_ANY_HOST = ("/health/", "/static/")
_SERVER_FAULT = 500


class Edge:
    """Wraps the application. Every answer leaves through here, also those that never reach a handler."""

    def __init__(self, app: Litestar) -> None:
        self._app = app
        self._log = get_logger("gateway").bind()
        settings: GatewaySettings = app.state.settings
        # Known once for all, but where a proxy says it with each request.
        self._is_secure = None if settings.trust_forwarded else settings.public_scheme == "https"

    @property
    def application(self) -> Litestar:
        """What is inside: for its lifespan and its OpenAPI document."""
        return self._app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind: str = scope["type"]
        if kind == "http":
            await self._serve(cast("HTTPScope", scope), receive, send)
        elif kind == "lifespan":
            await self._app(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000, "reason": ""})

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = {"town": None, "trace_id": ""}
        scope["state"] = state
        scope["app"] = scope["litestar_app"] = self._app
        if scope["path"].startswith("/health/"):
            await self._app(scope, receive, _Answer(scope, send, is_secure=self._is_secure).send)
            return
        method: str = scope["method"]
        is_head = method == "HEAD"
        if is_head:
            # Litestar knows HEAD only where a handler says so; it is GET without the body.
            scope["method"] = HttpMethod.GET
        started = time.perf_counter()
        with Hop(method, SpanKind.SERVER, attributes={"http.request.method": method}) as hop:
            state["trace_id"] = hop.trace_id
            answer = _Answer(scope, send, is_secure=self._is_secure, is_head=is_head)
            await self._answer(scope, receive, answer)
            self._record(scope, answer, hop, started)

    async def _answer(self, scope: HTTPScope, receive: Receive, answer: _Answer) -> None:
        try:
            async with asyncio.timeout(TOTAL):
                try:
                    await self._find_town(scope)
                except DomainError as error:
                    await self._refuse(scope, receive, answer, error)
                else:
                    await self._app(scope, receive, answer.send)
        except TimeoutError:
            if not answer.status:
                await self._refuse(scope, receive, answer, DomainError(ErrorKind.TIMEOUT, "DEADLINE_EXCEEDED"))

    async def _find_town(self, scope: HTTPScope) -> None:
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        towns: Towns = self._app.state.towns
        state: dict[str, Any] = scope["state"]
        town: Town | None = towns.peek(host)
        if town is None and not scope["path"].startswith(_ANY_HOST):
            town = await towns.of_host(host)
        state["town"] = town

    async def _refuse(self, scope: HTTPScope, receive: Receive, answer: _Answer, error: DomainError) -> None:
        request: Request[Any, Any, Any] = Request(scope, receive)
        response = handle_error(request, error).to_asgi_response(app=None, request=request)
        await response(scope, receive, answer.send)

    def _record(self, scope: HTTPScope, answer: _Answer, hop: Hop, started: float) -> None:
        state: dict[str, Any] = scope["state"]
        # Litestar adds it to the scope when it has found the route.
        route = scope.get("path_template", "")
        town: Town | None = state.get("town")
        tenant = town.slug if town else ""
        hop.span.update_name(f"{scope['method']} {route}" if route else str(scope["method"]))
        hop.set("http.route", route)
        hop.set("http.response.status_code", answer.status)
        hop.set("preau.tenant", tenant)
        if answer.status >= _SERVER_FAULT:
            hop.fail(f"HTTP {answer.status}", state.get("failure"))
        seconds = time.perf_counter() - started
        measure(method=str(scope["method"]), route=route, status=answer.status, tenant=tenant, seconds=seconds)
        self._log.info(
            "request",
            method=scope["method"],
            path=route,
            status=answer.status,
            tenant=tenant,
            duration_ms=round(seconds * 1000, 1),
            trace_id=state["trace_id"],
        )


class _Answer:
    """Adds to every answer what no handler should have to think of."""

    __slots__ = ("_is_head", "_is_secure", "_scope", "_send", "status")

    def __init__(self, scope: HTTPScope, send: Send, *, is_secure: bool | None, is_head: bool = False) -> None:
        self._is_head = is_head
        self._is_secure = is_secure
        self._scope = scope
        self._send = send
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            headers.extend(COMMON_HEADERS)
            state: dict[str, Any] = self._scope["state"]
            if state["trace_id"]:
                headers.append((b"x-trace-id", state["trace_id"].encode()))
            if not any(name == b"cache-control" for name, _ in headers):
                headers.append((b"cache-control", b"no-store"))
            secure = is_secure(Request(self._scope)) if self._is_secure is None else self._is_secure
            if secure:
                headers.append(HSTS_HEADER)
            if visit := state.get("new_visit"):
                headers.append((b"set-cookie", _visit_cookie(visit, secure=secure)))
            message["headers"] = headers
        elif self._is_head and message["type"] == "http.response.body":
            message["body"] = b""
        await self._send(message)


def _visit_cookie(value: str, *, secure: bool) -> bytes:
    name = f"__Host-{VISIT_COOKIE}" if secure else VISIT_COOKIE
    flags = "; Secure" if secure else ""
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax{flags}".encode()
