"""The gRPC server: guarded servicers, health, reflection, graceful stop."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection

from preau_chassis.calls import current_claims, current_context, current_token
from preau_chassis.constants import SERVER_OPTIONS, STOP_GRACE_SECONDS
from preau_chassis.interceptor import Guard
from preau_chassis.logs import get_logger
from preau_chassis.settings import SettingsError
from preau_chassis.tokens import TokenVerifier

__all__ = ["LIVE", "GrpcServer", "Servicer", "current_claims", "current_context", "current_token"]

LIVE = "live"
"""The name under which health tells of the process alone: no database, no broker, no draining."""

_log = get_logger("grpc")
_HEALTH_SECONDS = 2.0
_HEALTH = "grpc.health.v1.Health"
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING

ReadinessCheck = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Servicer:
    """One gRPC service: the generated ``add_..._to_server``, the implementation, the full service name."""

    add: Callable[..., None]
    implementation: Any
    name: str


class _Methods(grpc.GenericRpcHandler):
    """What the server answers. Servicers may come after the port is open: until then everything but health is away."""

    def __init__(self) -> None:
        self._handlers: dict[str, Any] = {}
        self.is_complete = False

    def service(self, handler_call_details: Any) -> Any:
        """The handler of a method; ``None`` means that there is no such method."""
        handler = self._handlers.get(handler_call_details.method)
        return _AWAY if handler is None and not self.is_complete else handler

    def add(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Take the methods of one service."""
        self._handlers |= {f"/{service}/{method}": handler for method, handler in handlers.items()}


async def _refuse(_request: object, context: grpc.aio.ServicerContext[Any, Any]) -> None:
    await context.abort(grpc.StatusCode.UNAVAILABLE, "starting")


_AWAY: Any = grpc.unary_unary_rpc_method_handler(_refuse)


class _Registrar:
    """Stands where generated code expects a server, and guards each method on its way there."""

    def __init__(self, methods: _Methods, guard: Guard | None = None) -> None:
        self._methods = methods
        self._guard = guard

    def add_generic_rpc_handlers(self, _handlers: Sequence[Any]) -> None:
        """Ignored: the same methods come by name, below."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Take the methods of one service."""
        guard = self._guard
        if guard is not None:
            handlers = {
                method: grpc.unary_unary_rpc_method_handler(
                    guard.wrap(f"{service}/{method}", handler.unary_unary),
                    request_deserializer=handler.request_deserializer,
                    response_serializer=handler.response_serializer,
                )
                for method, handler in handlers.items()
            }
        self._methods.add(service, handlers)


class GrpcServer:
    """Answers on ``listen``: health from the start, not ready, and all else after ``admit``."""

    def __init__(
        self,
        *,
        service: str,
        listen: str,
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        self._service = service
        self._listen = listen
        self._ready: Sequence[ReadinessCheck] = ()
        self._is_alive = is_alive
        self._names: list[str] = []
        self._server = grpc.aio.server(options=SERVER_OPTIONS)
        self._health = health.HealthServicer()
        self._methods = _Methods()
        self._watch: asyncio.Task[None] | None = None
        self._is_serving = False
        self.port = 0
        self._server.add_generic_rpc_handlers((self._methods,))
        unguarded: Any = _Registrar(self._methods)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, unguarded)

    async def start(self) -> None:
        """Open the port; ``port`` then tells which. ``SettingsError`` when it is taken or cannot be opened."""
        try:
            self.port = self._server.add_insecure_port(self._listen)
        except RuntimeError:
            self.port = 0
        if self.port == 0:
            raise SettingsError(f"PREAU_LISTEN: cannot listen on {self._listen}")
        await self._look()
        await self._server.start()
        self._watch = asyncio.get_running_loop().create_task(self._watch_health())
        _log.info("grpc.listening", listen=self._listen, port=self.port)

    async def admit(
        self,
        ready: Sequence[ReadinessCheck],
        servicers: Sequence[Servicer] = (),
        verifier: TokenVerifier | None = None,
        public_methods: frozenset[str] = frozenset(),
    ) -> None:
        """All parts are there: answer calls, if there is a ``verifier``, and be ready while every check says so."""
        self._ready = ready
        if verifier is not None:
            registrar = _Registrar(self._methods, Guard(self._service, verifier, public_methods))
            for servicer in servicers:
                servicer.add(servicer.implementation, registrar)
            self._names = [servicer.name for servicer in servicers]
        unguarded: Any = _Registrar(self._methods)
        reflection.enable_server_reflection((*self._names, _HEALTH, reflection.SERVICE_NAME), unguarded)
        self._methods.is_complete = True
        await self._look()

    async def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """Say NOT_SERVING, let calls end for at most ``grace`` seconds, close. Alive until the end: nobody is to hurry it."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._set_ready(is_ready=False)
        await self._server.stop(grace)

    async def _watch_health(self) -> None:
        while True:
            await asyncio.sleep(_HEALTH_SECONDS)
            await self._look()

    async def _look(self) -> None:
        await self._health.set(LIVE, _SERVING if self._is_alive() else _NOT_SERVING)
        is_ready = await self._check()
        if is_ready and not self._is_serving:
            _log.info("grpc.readiness", status="serving")
        elif self._is_serving and not is_ready:
            _log.warning("grpc.readiness", status="not serving")
        await self._set_ready(is_ready=is_ready)

    async def _check(self) -> bool:
        if not self._methods.is_complete:
            return False
        for check in self._ready:
            try:
                async with asyncio.timeout(_HEALTH_SECONDS):
                    if not await check():
                        return False
            except TimeoutError:
                return False
        return True

    async def _set_ready(self, *, is_ready: bool) -> None:
        self._is_serving = is_ready
        for name in ("", *self._names):
            await self._health.set(name, _SERVING if is_ready else _NOT_SERVING)
