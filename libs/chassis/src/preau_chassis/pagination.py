"""Opaque page tokens: what the next page starts after, signed so that nobody can forge one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Sequence

from preau_kernel.errors import InvalidError

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
_SIGNATURE_BYTES = 16

Key = str | int | bool | None
"""What a keyset is made of: JSON scalars; days and instants as ISO 8601."""


class PageTokens:
    """Signs and reads page tokens of one deployment.

    ``scope`` names the list and everything it is filtered by (tenant included), so that a token works only there.
    """

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def sign(self, scope: str, keyset: Sequence[Key]) -> str:
        """The token of the page that starts after ``keyset``."""
        body = json.dumps(list(keyset), separators=(",", ":"), ensure_ascii=False).encode()
        return base64.urlsafe_b64encode(self._signature(scope, body) + body).decode().rstrip("=")

    def read(self, scope: str, token: str) -> tuple[Key, ...] | None:
        """The keyset of ``token``, ``None`` for the first page (empty token), or ``INVALID_PAGE_TOKEN``."""
        if not token:
            return None
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise InvalidError("INVALID_PAGE_TOKEN", "page_token") from None
        signature, body = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(scope, body)):
            raise InvalidError("INVALID_PAGE_TOKEN", "page_token")
        return tuple(json.loads(body))

    def _signature(self, scope: str, body: bytes) -> bytes:
        return hmac.digest(self._key, scope.encode() + b"\0" + body, hashlib.sha256)[:_SIGNATURE_BYTES]


def page_size(asked: int) -> int:
    """How many rows to give: 50 when nothing was asked, never more than 200. ``INVALID_PAGE_SIZE`` when negative."""
    if asked < 0:
        raise InvalidError("INVALID_PAGE_SIZE", "page_size")
    return min(asked or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
