"""The service's own secret, and what is derived from it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from preau_kernel.ids import TenantId

KEY_BYTES = 32


def load_master_key(folder: Path) -> bytes:
    """The key all replicas share, from ``master.key``; made on first use when there is none.

    On Kubernetes the folder is a mounted Secret; on one machine it is made here, readable by its owner alone.
    """
    path = folder / "master.key"
    if not path.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = folder / f"master.key.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        try:
            # A link fails when another process was first: all then read the same key.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        message = f"{path.name} must hold {KEY_BYTES} bytes"
        raise ValueError(message)
    return key


def derive_key(master: bytes, purpose: str) -> bytes:
    """A key for one purpose, of no use for another."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=f"preau identity {purpose}".encode()).derive(master)


class KeyedSecrets:
    """Random tokens and the digests kept of them."""

    def __init__(self, master: bytes) -> None:
        self._pepper = derive_key(master, "fingerprints")
        self._token_key = derive_key(master, "repeatable session tokens")

    def new_token(self) -> str:
        return secrets.token_urlsafe(32)

    def token_of(self, tenant_id: TenantId, seed: str) -> str:
        digest = hmac.digest(self._token_key, f"{tenant_id}\x1f{seed}".encode(), "sha256")
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()

    def token_hash(self, token: str) -> bytes:
        # 256 random bits need no salt and no slowness.
        return hashlib.sha256(token.encode()).digest()

    def fingerprint(self, tenant_id: TenantId, *parts: str) -> bytes:
        text = "\x1f".join((str(tenant_id), *parts))
        return hmac.digest(self._pepper, text.encode(), "sha256")
