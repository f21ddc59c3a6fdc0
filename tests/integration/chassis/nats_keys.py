"""An operator, an account and a user of NATS, as `nsc` would make them: keys in base32, claims signed with Ed25519."""

from __future__ import annotations

import base64
import json
from binascii import crc_hqx
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

OPERATOR, ACCOUNT, USER, _SEED = 14, 0, 20, 18


def _encode(prefix: bytes, raw: bytes) -> str:
    checked = prefix + raw
    return base64.b32encode(checked + crc_hqx(checked, 0).to_bytes(2, "little")).decode().rstrip("=")


@dataclass(frozen=True)
class Key:
    """One key pair and what kind of holder it has."""

    kind: int
    private: Ed25519PrivateKey

    @classmethod
    def new(cls, kind: int) -> Key:
        return cls(kind, Ed25519PrivateKey.generate())

    @property
    def public(self) -> str:
        return _encode(bytes([self.kind << 3]), self.private.public_key().public_bytes_raw())

    @property
    def seed(self) -> str:
        prefix = bytes([_SEED << 3 | self.kind >> 2, (self.kind << 3 & 31) << 3 & 255])
        return _encode(prefix, self.private.private_bytes_raw())

    def sign(self, subject: Key, claims: dict[str, object], ends_at: float | None = None) -> str:
        """A JWT in which this key says ``claims`` of ``subject``, until ``ends_at`` (Unix seconds)."""
        body = {"jti": subject.public, "iat": 1_700_000_000, "iss": self.public, "sub": subject.public, "nats": claims}
        if ends_at is not None:
            body["exp"] = int(ends_at)
        parts = [{"typ": "JWT", "alg": "ed25519-nkey"}, body]
        text = ".".join(_base64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_base64(self.private.sign(text.encode()))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def credentials(jwt: str, user: Key) -> str:
    """A .creds file."""
    return f"""-----BEGIN NATS USER JWT-----
{jwt}
------END NATS USER JWT------

************************* IMPORTANT *************************
NKEY Seed printed below can be used to sign and prove identity.

-----BEGIN USER NKEY SEED-----
{user.seed}
------END USER NKEY SEED------

*************************************************************
"""
