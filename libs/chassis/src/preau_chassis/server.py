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
from preau_chassis.tokens import TokenVerifier

__all__ = ["GrpcServer", "Servicer", "current_claims", "current_context", "current_token"]

_log = get_logger("grpc")
_HEALTH_SECONDS = 2.0

ReadinessCheck = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Servicer:
    """One gRPC service: the generated ``add_..._to_server``, the implementation, the full service name."""

    add: Callable[..., None]
    implementation: Any
    name: str


class _Registrar:
    """Stands where generated code expects a server, and guards each method on its way there."""

    def __init__(self, server: grpc.aio.Server, guard: Guard) -> None:
        self._server = server
        self._guard = guard

    def add_generic_rpc_handlers(self, _handlers: Sequence[Any]) -> None:
        """Ignored: the same methods come by name, below."""

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Take the methods of one service."""
        guarded = {
            method: grpc.unary_unary_rpc_method_handler(
                self._guard.wrap(f"{service}/{method}", handler.unary_unary),
                request_deserializer=handler.request_deserializer,
                response_serializer=handler.response_serializer,
            )
            for method, handler in handlers.items()
        }
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, guarded),))
        self._server.add_registered_method_handlers(service, guarded)


class GrpcServer:
    """Serves ``servicers`` on ``listen``. Health is SERVING while every readiness check says so."""

    def __init__(
        self,
        *,
        service: str,
        listen: str,
        servicers: Sequence[Servicer],
        verifier: TokenVerifier,
        public_methods: frozenset[str] = frozenset(),
        ready: Sequence[ReadinessCheck] = (),
    ) -> None:
        self._listen = listen
        self._ready = ready
        self._names = [servicer.name for servicer in servicers]
        self._server = grpc.aio.server(options=SERVER_OPTIONS)
        self._health = health.HealthServicer()
        self._watch: asyncio.Task[None] | None = None
        self._is_serving = False
        self.port = 0
        registrar = _Registrar(self._server, Guard(service, verifier, public_methods))
        for servicer in servicers:
            servicer.add(servicer.implementation, registrar)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = (*self._names, "grpc.health.v1.Health", reflection.SERVICE_NAME)
        reflection.enable_server_reflection(names, self._server)

    async def start(self) -> None:
        """Open the port; ``port`` then tells which. ``RuntimeError`` when it is taken."""
        self.port = self._server.add_insecure_port(self._listen)
        if self.port == 0:
            raise RuntimeError(f"cannot listen on {self._listen}")
        await self._set(await self._check())
        await self._server.start()
        self._watch = asyncio.get_running_loop().create_task(self._watch_readiness())
        _log.info("grpc.listening", listen=self._listen, port=self.port)

    async def stop(self, grace: float = STOP_GRACE_SECONDS) -> None:
        """Say NOT_SERVING, let calls end for at most ``grace`` seconds, close."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        await self._health.enter_graceful_shutdown()
        await self._server.stop(grace)

    async def _watch_readiness(self) -> None:
        while True:
            await asyncio.sleep(_HEALTH_SECONDS)
            is_ready = await self._check()
            if is_ready != self._is_serving:
                _log.warning("grpc.readiness", status="serving" if is_ready else "not serving")
            await self._set(is_ready)

    async def _check(self) -> bool:
        for check in self._ready:
            try:
                async with asyncio.timeout(_HEALTH_SECONDS):
                    if not await check():
                        return False
            except TimeoutError:
                return False
        return True

    async def _set(self, is_ready: bool) -> None:
        self._is_serving = is_ready
        status = health_pb2.HealthCheckResponse.SERVING if is_ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            await self._health.set(name, status)
