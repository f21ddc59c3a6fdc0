"""Probes: alive is this process alone; ready means that it can tell who is calling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from preau.identity.v1.identity_service_pb2 import GetJwksRequest
from preau_chassis.client import call
from preau_kernel.errors import DomainError

from gateway.cache import ExpiringCache

if TYPE_CHECKING:
    from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

_SECONDS = 1.0


class Readiness:
    """Asks identity, at most once a second."""

    def __init__(self, stub: IdentityServiceAsyncStub) -> None:
        self._stub = stub
        self._cache: ExpiringCache[str, bool] = ExpiringCache(1)

    async def is_ready(self) -> bool:
        try:
            return await self._cache.get("identity", self._ask)
        except DomainError:
            return False

    async def _ask(self) -> tuple[bool, float]:
        await call(self._stub.GetJwks, GetJwksRequest(), timeout=_SECONDS, token="")
        return True, _SECONDS


@get("/health/live", include_in_schema=False)
async def live() -> Response[bytes]:
    """The process answers."""
    return Response(b"live", media_type="text/plain")


@get("/health/ready", include_in_schema=False)
async def ready(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Families can be served."""
    readiness: Readiness = request.app.state.readiness
    if await readiness.is_ready():
        return Response(b"ready", media_type="text/plain")
    return Response(b"identity does not answer", status_code=503, media_type="text/plain")
