"""Signing keys: kept in PostgreSQL, encrypted with the service's own key, so that all replicas sign and publish the same."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jwt
from joserfc.jwk import OKPKey
from preau_chassis.database import Database
from preau_chassis.tokens import ALGORITHM, TokenClaims, token_claims
from preau_kernel.context import Context

from identity_svc.application.ports import AccessToken, Claims
from identity_svc.domain.keys import (
    TOKEN_LIFE,
    KeyPeriod,
    next_key_from,
    published_keys,
    rotation_due,
    signing_key,
    unpublished_keys,
)
from identity_svc.domain.tenants import PLATFORM_SLUG, PLATFORM_TENANT

_PLATFORM = Context.system(PLATFORM_TENANT, PLATFORM_SLUG)
_REREAD_AFTER = timedelta(seconds=30)
_ROTATION_LOCK = 7_002
_NONCE_BYTES = 12


@dataclass(frozen=True, slots=True)
class _Key:
    period: KeyPeriod
    public: dict[str, str]
    private: OKPKey | None


class SigningKeys:
    """The keys in the database. A key whose secret cannot be read (another master key) is published but never signs."""

    def __init__(self, database: Database, encryption_key: bytes) -> None:
        self._database = database
        self._cipher = AESGCM(encryption_key)

    async def load(self) -> list[_Key]:
        async with self._database.unit_of_work(_PLATFORM) as uow:
            rows = await uow.fetch(
                "SELECT kid, signs_from, public_jwk, sealed_private_jwk FROM signing_key WHERE tenant_id = $1",
                PLATFORM_TENANT,
            )
        return [
            _Key(
                KeyPeriod(row["kid"], row["signs_from"]),
                json.loads(row["public_jwk"]),
                self._open(row["kid"], bytes(row["sealed_private_jwk"])),
            )
            for row in rows
        ]

    async def seconds_left(self, now: datetime) -> float | None:
        """Until the newest key that can sign must have been rotated: negative when that is late, ``None`` without a key."""
        due = rotation_due([key.period for key in await self.load() if key.private is not None])
        return None if due is None else (due - now).total_seconds()

    async def rotate(self, now: datetime, *, force: bool = False) -> str | None:
        """Make the next key when it is due, one replica at a time; its name, or ``None``. Deletes long-dead keys."""
        async with self._database.unit_of_work(_PLATFORM) as uow:
            await uow.execute("SELECT pg_advisory_xact_lock($1)", _ROTATION_LOCK)
            rows = await uow.fetch(
                "SELECT kid, signs_from, sealed_private_jwk FROM signing_key WHERE tenant_id = $1", PLATFORM_TENANT
            )
            readable = [
                KeyPeriod(row["kid"], row["signs_from"])
                for row in rows
                if self._open(row["kid"], bytes(row["sealed_private_jwk"])) is not None
            ]
            signs_from = next_key_from(readable, now, force=force)
            if signs_from is None:
                return None
            kid = secrets.token_urlsafe(9)
            key = OKPKey.generate_key("Ed25519", {"kid": kid, "use": "sig", "alg": ALGORITHM})
            await uow.execute(
                "INSERT INTO signing_key (tenant_id, kid, signs_from, public_jwk, sealed_private_jwk, created_at)"
                " VALUES ($1, $2, $3, $4, $5, $6)",
                PLATFORM_TENANT,
                kid,
                signs_from,
                json.dumps(key.as_dict(private=False)),
                self._seal(kid, key),
                now,
            )
            periods = [KeyPeriod(row["kid"], row["signs_from"]) for row in rows]
            await uow.execute(
                "DELETE FROM signing_key WHERE tenant_id = $1 AND kid = ANY($2::text[])",
                PLATFORM_TENANT,
                [period.kid for period in unpublished_keys(periods, now)],
            )
            await uow.commit()
        return kid

    def _seal(self, kid: str, key: OKPKey) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        text = json.dumps(key.as_dict(private=True)).encode()
        return nonce + self._cipher.encrypt(nonce, text, kid.encode())

    def _open(self, kid: str, sealed: bytes) -> OKPKey | None:
        try:
            text = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], kid.encode())
        except InvalidTag:
            return None
        return OKPKey.import_key(json.loads(text))


class Ed25519Signer:
    """Signs with the key whose time it is. Keys are held as objects and read again twice a minute."""

    def __init__(self, keys: SigningKeys) -> None:
        self._store = keys
        self._keys: list[_Key] = []
        self._read_at: datetime | None = None
        self._reading = asyncio.Lock()

    async def issue(self, claims: Claims, now: datetime) -> AccessToken:
        key = await self._signing_key(now)
        expires_at = (now + TOKEN_LIFE).replace(microsecond=0)
        payload = token_claims(
            TokenClaims(
                subject=claims.subject,
                tenant_id=claims.tenant_id,
                tenant_slug=claims.tenant_slug,
                household_id=claims.household_id,
                roles=claims.roles,
                session_id=claims.session_id,
                expires_at=expires_at,
            )
        )
        header = {"alg": ALGORITHM, "kid": key.kid}
        return AccessToken(jwt.encode(header, payload, key, algorithms=[ALGORITHM]), expires_at)

    async def jwks(self, now: datetime) -> str:
        # Its own key is always among them, whatever other keys a wrongly set up twin may have put there.
        names = {(await self._signing_key(now)).kid}
        names |= {period.kid for period in published_keys([key.period for key in self._keys], now)}
        return json.dumps({"keys": [key.public for key in self._keys if key.period.kid in names]})

    async def _signing_key(self, now: datetime) -> OKPKey:
        if not self._is_fresh(now):
            async with self._reading:
                # Who waited for another's reading needs none of its own.
                if not self._is_fresh(now):
                    self._keys = await self._store.load()
                    self._read_at = now
        key = self._choose(now)
        if key is None:
            async with self._reading:
                await self._store.rotate(now)
                self._keys = await self._store.load()
            key = self._choose(now)
        if key is None:
            message = "no signing key after making one"
            raise RuntimeError(message)
        return key

    def _choose(self, now: datetime) -> OKPKey | None:
        readable = {key.period.kid: key for key in self._keys if key.private is not None}
        period = signing_key([key.period for key in readable.values()], now)
        return readable[period.kid].private if period else None

    def _is_fresh(self, now: datetime) -> bool:
        # A caller's ``now`` may be some seconds older than the reading; a demonstration's clock may be set back far.
        return self._read_at is not None and abs(now - self._read_at) < _REREAD_AFTER
