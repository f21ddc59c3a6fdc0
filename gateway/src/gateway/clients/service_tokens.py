"""The gateway's own token for a town, for calls that no signed-in person makes."""

from __future__ import annotations

from datetime import UTC

import grpc.aio
from preau.identity.v1.identity_service_pb2 import IssueServiceTokenRequest
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_chassis.client import call
from preau_kernel.clock import Clock

from gateway.cache import ExpiringCache
from gateway.clients.deadlines import READ

_MARGIN_SECONDS = 30.0
_TOWNS = 5_000


class ServiceTokens:
    """Fetched on first use, kept until shortly before their end."""

    def __init__(self, channel: grpc.aio.Channel, secret: str, clock: Clock) -> None:
        self._stub = IdentityServiceStub(channel)
        self._secret = secret
        self._clock = clock
        self._cache: ExpiringCache[str, str] = ExpiringCache(_TOWNS)

    async def get(self, town_slug: str) -> str:
        async def load() -> tuple[str, float]:
            answer = await call(
                self._stub.IssueServiceToken,
                IssueServiceTokenRequest(service="gateway", secret=self._secret, tenant_slug=town_slug),
                timeout=READ,
                token="",
            )
            left = answer.expires_at.ToDatetime(tzinfo=UTC) - self._clock.now()
            return answer.access_token, left.total_seconds() - _MARGIN_SECONDS

        return await self._cache.get(town_slug, load)
