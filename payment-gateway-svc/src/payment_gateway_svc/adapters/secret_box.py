"""Encryption at rest of what providers give towns: AES-256-GCM, bound to the town and the provider."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from payment_gateway_svc.domain.errors import SettingsUnreadableError

_NONCE_BYTES = 12
_KEY_BYTES = 32


class SecretBox:
    """Seals with the first key, opens with any: a key is changed by putting the new one in front."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != _KEY_BYTES for key in keys):
            message = "each encryption key is 32 bytes"
            raise ValueError(message)
        self._keys = {_key_id(key): AESGCM(key) for key in keys}
        self.current_key_id = _key_id(keys[0])

    @classmethod
    def from_base64(cls, *texts: str) -> SecretBox:
        """``ValueError`` when one is not base64 of 32 bytes."""
        return cls([base64.b64decode(text, validate=True) for text in texts])

    def seal(self, plain: bytes, bound_to: str) -> tuple[str, bytes]:
        """The key's id and the sealed bytes."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.current_key_id].encrypt(nonce, plain, bound_to.encode())
        return self.current_key_id, nonce + sealed

    def open(self, key_id: str, sealed: bytes, bound_to: str) -> bytes:
        """``PROVIDER_SETTINGS_UNREADABLE`` for another town's bytes, changed bytes or a lost key."""
        key = self._keys.get(key_id)
        if key is None:
            raise SettingsUnreadableError
        try:
            return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], bound_to.encode())
        except (InvalidTag, ValueError):
            raise SettingsUnreadableError from None


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"preau payment key" + key).hexdigest()[:16]
