"""For tests of services: tokens from a key in memory, and a real server on a free port. Never used by a process."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime

import grpc
from joserfc import jwt
from joserfc.jwk import OKPKey
from preau_kernel.clock import Clock, SystemClock
from preau_kernel.context import Context

from preau_chassis import metrics
from preau_chassis.client import close_channel, open_channel
from preau_chassis.server import GrpcServer, Servicer
from preau_chassis.tokens import ALGORITHM, TokenClaims, TokenVerifier, token_claims

_FAR = datetime(2100, 1, 1, tzinfo=UTC)


class TokenMint:
    """Signs tokens that a verifier with its ``jwks_source`` accepts."""

    def __init__(self, key_id: str = "test") -> None:
        self._key = OKPKey.generate_key("Ed25519", {"kid": key_id, "use": "sig", "alg": ALGORITHM})
        self._key_id = key_id

    async def jwks_source(self) -> str:
        """The public key, as identity would give it."""
        return json.dumps({"keys": [self._key.as_dict(private=False)]})

    def token(self, context: Context, *, expires_at: datetime = _FAR, session_id: str = "") -> str:
        """A token of this caller."""
        claims = TokenClaims(
            subject=context.actor,
            tenant_id=context.tenant_id,
            tenant_slug=context.tenant_slug,
            household_id=context.household_id,
            roles=context.roles,
            session_id=session_id,
            expires_at=expires_at,
        )
        return self.sign(token_claims(claims))

    def sign(self, claims: dict[str, str | int | list[str]]) -> str:
        """A token of these very claims."""
        return jwt.encode({"alg": ALGORITHM, "kid": self._key_id}, claims, self._key, algorithms=[ALGORITHM])


@asynccontextmanager
async def running_server(
    servicers: Sequence[Servicer],
    mint: TokenMint,
    *,
    service: str = "test",
    public_methods: frozenset[str] = frozenset(),
    clock: Clock | None = None,
) -> AsyncIterator[grpc.aio.Channel]:
    """The servicers behind the real server, and a channel to it."""
    server = GrpcServer(service=service, listen="127.0.0.1:0")
    await server.start()
    await server.admit((), servicers, TokenVerifier(mint.jwks_source, clock or SystemClock()), public_methods)
    channel = open_channel(f"127.0.0.1:{server.port}")
    try:
        yield channel
    finally:
        await close_channel(channel)
        await server.stop(0)


class Recorded:
    """What the platform's metrics say while a test runs."""

    def value(self, name: str, attributes: metrics.Attributes | None = None) -> float:
        """A counter's sum or a gauge's value; 0 when there is no such series."""
        wanted = tuple(sorted((attributes or {}).items()))
        for source in (metrics.instruments(), metrics.gauges()):
            for instrument, series in source:
                found = series.get(wanted) if instrument.name == name else None
                if found is not None:
                    return sum(found.counts) if isinstance(found, metrics.Distribution) else found
        return 0

    def seconds(self, name: str, attributes: metrics.Attributes | None = None) -> float:
        """The sum of a histogram's durations; ``value`` is how many there were."""
        wanted = tuple(sorted((attributes or {}).items()))
        for instrument, series in metrics.instruments():
            found = series.get(wanted) if instrument.name == name else None
            if isinstance(found, metrics.Distribution):
                return found.sum
        return 0

    def attributes(self, name: str) -> list[dict[str, str | int | float | bool]]:
        """The attribute sets of the series that metric has."""
        return [
            dict(key)
            for source in (metrics.instruments(), metrics.gauges())
            for instrument, series in source
            if instrument.name == name
            for key in series
        ]


@contextmanager
def recorded_metrics() -> Iterator[Recorded]:
    """Metrics are kept, from zero, while the block runs."""
    metrics.switch(on=True)
    try:
        yield Recorded()
    finally:
        metrics.switch(on=False)
