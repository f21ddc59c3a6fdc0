"""What every service asks of identity-svc: the keys that verify tokens, and its own token for a town."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import grpc
from preau.identity.v1.identity_service_pb2 import GetJwksRequest, IssueServiceTokenRequest
from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceStub
from preau_kernel.clock import Clock
from preau_kernel.errors import DomainError

from preau_chassis.client import call
from preau_chassis.logs import get_logger
from preau_chassis.tokens import JwksSource, TokenVerifier
from preau_chassis.wire import timestamp_from_wire

if TYPE_CHECKING:  # known to the stubs only
    from preau.identity.v1.identity_service_pb2_grpc import IdentityServiceAsyncStub

_log = get_logger("identity")
_TIMEOUT_SECONDS = 2.0
_MARGIN = timedelta(seconds=60)
_RETRY_SECONDS = 1.0

ChannelFactory = Callable[[], grpc.aio.Channel]


def remote_jwks(channel: ChannelFactory) -> JwksSource:
    """The keys as identity gives them."""

    async def source() -> str:
        stub: IdentityServiceAsyncStub = IdentityServiceStub(channel())
        return (await call(stub.GetJwks, GetJwksRequest(), timeout=_TIMEOUT_SECONDS, token="")).jwks_json

    return source


async def prefetch_keys(verifier: TokenVerifier) -> None:
    """Fetch the keys as soon as identity answers, so that the first call need not."""
    while True:
        try:
            await verifier.prefetch()
        except DomainError as error:
            _log.info("identity.waiting", reason=error.reason)
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            return


class ServiceTokens:
    """This service's tokens, one per town, kept until shortly before their end."""

    def __init__(self, *, service: str, secret: str, channel: ChannelFactory, clock: Clock) -> None:
        self._service = service
        self._secret = secret
        self._channel = channel
        self._clock = clock
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def token(self, town: str) -> str:
        """A token for ``town`` that lives for a minute at least; "" for none (operator)."""
        known = self._known(town)
        if known:
            return known
        async with self._locks.setdefault(town, asyncio.Lock()):
            known = self._known(town)
            if known:
                return known
            stub: IdentityServiceAsyncStub = IdentityServiceStub(self._channel())
            request = IssueServiceTokenRequest(service=self._service, secret=self._secret, tenant_slug=town)
            answer = await call(stub.IssueServiceToken, request, timeout=_TIMEOUT_SECONDS, token="")
            self._tokens[town] = (answer.access_token, timestamp_from_wire(answer.expires_at))
            return answer.access_token

    def _known(self, town: str) -> str:
        token, ends = self._tokens.get(town, ("", None))
        return token if ends is not None and ends - _MARGIN > self._clock.now() else ""
