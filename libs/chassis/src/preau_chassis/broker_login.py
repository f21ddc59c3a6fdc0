"""Who we are to NATS: a user and password, a token, or a credentials file; never in an address, never in a log."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from preau_chassis.settings import ServiceSettings, SettingsError

_PART = re.compile(r"-----BEGIN (?P<name>NATS USER JWT|USER NKEY SEED)-----\s+(?P<text>\S+)\s+-{3,}END")
_SEED_BYTES = 36  # two of prefix, the key's 32, two of checksum
_SEED_PREFIX = 18 << 3  # 'S'
_USER_PREFIX = 20 << 3  # 'U'


def login_options(settings: ServiceSettings) -> dict[str, Any]:
    """What the client library's ``connect`` takes; empty when the address says all. ``SettingsError`` for a bad file."""
    if settings.nats_credentials_file is not None:
        return _credentials(settings.nats_credentials_file)
    if settings.nats_user:
        return {"user": settings.nats_user, "password": settings.nats_password.get_secret_value()}
    if token := settings.nats_token.get_secret_value():
        return {"token": token}
    return {}


def _credentials(path: Path) -> dict[str, Any]:
    _read(path)

    def jwt() -> bytearray:
        # Read at each connection: a file that was replaced is taken up by the next.
        return bytearray(_read(path)[0].encode())

    def sign(nonce: str) -> bytes:
        return base64.b64encode(_read(path)[1].sign(nonce.encode()))

    return {"user_jwt_cb": jwt, "signature_cb": sign}


def _read(path: Path) -> tuple[str, Ed25519PrivateKey]:
    """The user's JWT and key. The client library does the same with a package of its own."""
    try:
        parts = {found["name"]: found["text"] for found in _PART.finditer(path.read_text())}
        jwt, seed = parts["NATS USER JWT"], parts["USER NKEY SEED"]
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
        # The prefix is five bits of "seed", then eight of what kind of key.
        kind = ((raw[0] & 7) << 5) | ((raw[1] & 248) >> 3)
        if len(raw) != _SEED_BYTES or raw[0] & 248 != _SEED_PREFIX or kind != _USER_PREFIX:
            raise ValueError
        return jwt, Ed25519PrivateKey.from_private_bytes(raw[2:-2])
    except (OSError, KeyError, ValueError):
        raise SettingsError("PREAU_NATS_CREDENTIALS_FILE holds no user's credentials") from None
