"""What commands answered, for who repeats one."""

from __future__ import annotations

from uuid import UUID

from preau_chassis.database import IdempotencyKey
from preau_chassis.database import UnitOfWork as Transaction
from preau_kernel.ids import TenantId


class PostgresAnswers:
    def __init__(self, transaction: Transaction, tenant_id: TenantId) -> None:
        self._transaction = transaction
        self._tenant_id = tenant_id

    async def is_known(self, method: str, request_id: UUID) -> bool:
        found: bool = await self._transaction.fetchval(
            "SELECT EXISTS (SELECT FROM idempotency WHERE tenant_id = $1 AND method = $2 AND request_id = $3)",
            self._tenant_id,
            method,
            request_id,
        )
        return found

    async def claim(self, method: str, request_id: UUID, fingerprint: bytes) -> bytes | None:
        return await IdempotencyKey(method, request_id, fingerprint).claim(self._transaction, self._tenant_id)

    async def keep(self, method: str, request_id: UUID, answer: bytes) -> None:
        await IdempotencyKey(method, request_id, b"").store(self._transaction, self._tenant_id, answer)
