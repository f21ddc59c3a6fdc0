"""Internal tokens: who calls, from which town. Signed by identity, verified by everybody, remembered until they end."""

from __future__ import annotations

import asyncio
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact
from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind, UnavailableError
from preau_kernel.ids import TenantId, TenantSlug

ISSUER = "preau-identity"
AUDIENCE = "preau"
ALGORITHM = "Ed25519"

JwksSource = Callable[[], Awaitable[str]]
"""Gives the public keys as JSON text (RFC 7517)."""

_REFETCH_SECONDS = 2.0
_KEYS_ARE_GOOD_FOR = timedelta(minutes=5)
_CACHE_SIZE = 4096


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a verified token says."""

    subject: str
    tenant_id: int
    tenant_slug: str
    household_id: str
    roles: frozenset[str]
    session_id: str
    expires_at: datetime

    def context(self) -> Context:
        """The caller, as use cases know it."""
        return Context(
            TenantId(self.tenant_id), TenantSlug(self.tenant_slug), self.subject, self.roles, self.household_id
        )


def token_claims(claims: TokenClaims) -> dict[str, str | int | list[str]]:
    """The JWT claims that carry ``claims``: what identity signs."""
    result: dict[str, str | int | list[str]] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": claims.subject,
        "tid": claims.tenant_id,
        "town": claims.tenant_slug,
        "hh": claims.household_id,
        "roles": sorted(claims.roles),
        "exp": int(claims.expires_at.timestamp()),
    }
    if claims.session_id:
        result["sid"] = claims.session_id
    return result


class TokenVerifier:
    """Verifies tokens with keys that it fetches when it meets one it does not know, and else now and then.

    A key that leaked is withdrawn by identity: it must not serve here until the next rotation.
    """

    def __init__(self, jwks_source: JwksSource, clock: Clock) -> None:
        self._source = jwks_source
        self._clock = clock
        self._keys: KeySet | None = None
        self._key_ids: frozenset[str] = frozenset()
        self._fetched = -_REFETCH_SECONDS
        self._checked_at = clock.now()
        self._fetching = asyncio.Lock()
        self._known: OrderedDict[str, tuple[TokenClaims, Context]] = OrderedDict()

    async def verify(self, token: str) -> TokenClaims:
        """The claims of ``token``, or ``UNAUTHENTICATED`` with TOKEN_INVALID or TOKEN_EXPIRED."""
        return (await self.authenticate(token))[0]

    async def authenticate(self, token: str) -> tuple[TokenClaims, Context]:
        """As ``verify``, with the caller's context."""
        known = self._known.get(token)
        if known is None:
            claims = await self._decode(token)
            known = (claims, claims.context())
            self._known[token] = known
            if len(self._known) > _CACHE_SIZE:
                self._known.popitem(last=False)
        if known[0].expires_at <= self._clock.now():
            self._known.pop(token, None)
            raise DomainError(ErrorKind.UNAUTHENTICATED, "TOKEN_EXPIRED")
        return known

    async def prefetch(self) -> None:
        """Fetch the keys now; raises what the source raises."""
        await self._fetch(force=True)

    async def _decode(self, token: str) -> TokenClaims:
        try:
            key_id = str(extract_compact(token.encode()).headers().get("kid", ""))
            if key_id not in self._key_ids:
                await self._fetch()
            elif abs(self._clock.now() - self._checked_at) > _KEYS_ARE_GOOD_FOR:
                self._checked_at = self._clock.now()
                # Without identity the keys that are known go on serving.
                with suppress(DomainError):
                    await self._fetch()
            if self._keys is None or key_id not in self._key_ids:
                raise _invalid()
            claims = jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims
            if claims.get("iss") != ISSUER or claims.get("aud") != AUDIENCE:
                raise _invalid()
            return TokenClaims(
                subject=str(claims["sub"]),
                tenant_id=int(claims["tid"]),
                tenant_slug=str(claims["town"]),
                household_id=str(claims.get("hh", "")),
                roles=frozenset(str(role) for role in claims.get("roles", ())),
                session_id=str(claims.get("sid", "")),
                expires_at=datetime.fromtimestamp(int(claims["exp"]), UTC),
            )
        except (JoseError, KeyError, ValueError, TypeError):
            raise _invalid() from None

    async def _fetch(self, *, force: bool = False) -> None:
        async with self._fetching:
            if not force and time.monotonic() - self._fetched < _REFETCH_SECONDS:
                if self._keys is None:
                    raise UnavailableError("TOKEN_KEYS_UNAVAILABLE")
                return
            self._fetched = time.monotonic()
            try:
                text = await self._source()
            except DomainError:
                if self._keys is None:
                    raise UnavailableError("TOKEN_KEYS_UNAVAILABLE") from None
                raise
            document = json.loads(text)
            self._keys = KeySet.import_key_set(document)
            key_ids = frozenset(str(key.get("kid", "")) for key in document["keys"])
            if not self._key_ids <= key_ids:
                self._known.clear()
            self._key_ids = key_ids
            self._checked_at = self._clock.now()


def _invalid() -> DomainError:
    return DomainError(ErrorKind.UNAUTHENTICATED, "TOKEN_INVALID")
