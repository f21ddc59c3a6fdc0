"""The same command twice has one effect and one answer."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from google.protobuf.message import Message
from preau_kernel.errors import DomainError, ErrorKind, InvalidError

_CLAIM = """
INSERT INTO idempotency (tenant_id, method, request_id, request_hash) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, method, request_id) DO NOTHING RETURNING 1"""
_READ = "SELECT request_hash, response FROM idempotency WHERE tenant_id = $1 AND method = $2 AND request_id = $3"
_STORE = "UPDATE idempotency SET response = $4 WHERE tenant_id = $1 AND method = $2 AND request_id = $3"


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """One command: its name, the caller's ``request_id`` and a digest of everything it asks for."""

    method: str
    request_id: UUID
    request_hash: bytes

    @classmethod
    def of(cls, method: str, request_id: str, request: Message) -> IdempotencyKey:
        """The key of ``request``, or ``INVALID_REQUEST_ID`` when ``request_id`` is no UUID."""
        try:
            identifier = UUID(request_id)
        except ValueError:
            raise InvalidError("INVALID_REQUEST_ID", "request_id") from None
        return cls(method, identifier, hashlib.sha256(request.SerializeToString(deterministic=True)).digest())

    async def claim(self, raw: Any, tenant_id: int) -> bytes | None:
        """Take the key in the open transaction: ``None`` when it is ours, else the stored answer.

        A twin that still runs holds the row: this waits for its end, then replays or takes over.
        """
        while True:
            mine = await raw.fetchval(_CLAIM, tenant_id, self.method, self.request_id, self.request_hash)
            if mine is not None:
                return None
            row = await raw.fetchrow(_READ, tenant_id, self.method, self.request_id)
            if row is None:
                continue  # purged between the two statements
            if row["request_hash"] != self.request_hash:
                raise DomainError(ErrorKind.EXISTS, "IDEMPOTENCY_KEY_REUSED")
            return bytes(row["response"] or b"")

    async def store(self, raw: Any, tenant_id: int, response: bytes) -> None:
        """Keep the answer; it commits with the effect."""
        await raw.execute(_STORE, tenant_id, self.method, self.request_id, response)
