"""Values that come back unchanged or not at all: HMAC over base64url text. Nothing here is secret from the browser."""

from __future__ import annotations

import base64
import hmac
from hashlib import sha256


class Signer:
    """Signs short texts for one purpose; a value signed for one is worthless for another."""

    def __init__(self, secret: str, purpose: str) -> None:
        self._key = hmac.digest(secret.encode(), purpose.encode(), "sha256")

    def seal(self, payload: bytes, binding: str = "") -> str:
        """``payload`` and its signature as cookie-safe text, valid only with the same ``binding``."""
        body = _encode(payload)
        return f"{body}.{self._signature(body, binding)}"

    def open(self, text: str, binding: str = "") -> bytes | None:
        """The payload, or ``None`` when anything was changed."""
        body, _, signature = text.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(body, binding).encode()):
            return None
        try:
            return base64.urlsafe_b64decode(body + "=" * (-len(body) % 4))
        except ValueError:
            return None

    def _signature(self, body: str, binding: str) -> str:
        message = f"{binding}\n{body}".encode("utf-8", "surrogateescape")
        return _encode(hmac.digest(self._key, message, "sha256"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def fingerprint(text: str) -> str:
    """A stable short name for a secret, safe to use as a key or in a signature."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]
