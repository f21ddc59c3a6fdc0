"""Attempts: one row each, locked while an answer is applied to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from preau_chassis.database import UnitOfWork
from preau_kernel.money import Money

from payment_gateway_svc.domain.attempt import (
    CANCELLED_POLLING_LIMIT,
    POLLING_LIMIT,
    UNASKED_LIMIT,
    PaymentAttempt,
)
from payment_gateway_svc.domain.errors import PaymentNotFoundError
from payment_gateway_svc.domain.states import PaymentState

_COLUMNS = """id, invoice_id, household_id, amount_minor, currency, debt_reference, provider, provider_ref, payment_url,
    facts::text AS facts, state, is_test, is_unreachable, is_forgotten, mismatched_fields, created_at, expires_at, settled_at, checked_at"""

OPEN = """state IN ('created', 'redirected', 'pending', 'expired', 'cancelled') AND NOT is_forgotten
    AND CASE state
        WHEN 'created' THEN created_at <= $1::timestamptz - $4::interval
        WHEN 'cancelled' THEN created_at > $1::timestamptz - $3::interval
        ELSE provider_ref IS NOT NULL AND created_at > $1::timestamptz - $2::interval
    END"""
"""What a look-up may still change: $1 now, then the three limits of the domain. Its first line is the predicate of the
index payment_attempt_open, without which every turn would read the payments of all years."""

OPEN_LIMITS = (POLLING_LIMIT, CANCELLED_POLLING_LIMIT, UNASKED_LIMIT)


class DatabaseAttempts:
    """The attempts of the unit of work's town."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._tenant_id = uow.context.tenant_id

    async def add(self, attempt: PaymentAttempt, request_id: UUID, request_hash: bytes) -> bool:
        added = await self._uow.fetchval(
            """INSERT INTO payment_attempt (tenant_id, id, tenant_slug, invoice_id, household_id, amount_minor, currency,
                   debt_reference, provider, state, request_id, request_hash, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
               ON CONFLICT (tenant_id, request_id) DO NOTHING RETURNING id""",
            self._tenant_id,
            attempt.id,
            self._uow.context.tenant_slug,
            attempt.invoice_id,
            attempt.household_id,
            attempt.amount.minor_units,
            attempt.amount.currency,
            attempt.debt_reference,
            attempt.provider,
            attempt.state.value,
            request_id,
            request_hash,
            attempt.created_at,
        )
        return added is not None

    async def find(self, attempt_id: UUID) -> PaymentAttempt | None:
        row = await self._uow.fetchrow(
            f"SELECT {_COLUMNS} FROM payment_attempt WHERE tenant_id = $1 AND id = $2", self._tenant_id, attempt_id
        )
        return _attempt(row) if row else None

    async def find_by_request(self, request_id: UUID) -> tuple[PaymentAttempt, bytes] | None:
        row = await self._uow.fetchrow(
            f"SELECT {_COLUMNS}, request_hash FROM payment_attempt WHERE tenant_id = $1 AND request_id = $2",
            self._tenant_id,
            request_id,
        )
        return (_attempt(row), bytes(row["request_hash"])) if row else None

    async def find_by_provider_ref(self, provider: str, provider_ref: str) -> PaymentAttempt | None:
        row = await self._uow.fetchrow(
            f"SELECT {_COLUMNS} FROM payment_attempt WHERE tenant_id = $1 AND provider = $2 AND provider_ref = $3",
            self._tenant_id,
            provider,
            provider_ref,
        )
        return _attempt(row) if row else None

    async def lock(self, attempt_id: UUID) -> PaymentAttempt:
        row = await self._uow.fetchrow(
            f"SELECT {_COLUMNS} FROM payment_attempt WHERE tenant_id = $1 AND id = $2 FOR UPDATE",
            self._tenant_id,
            attempt_id,
        )
        if row is None:
            raise PaymentNotFoundError
        return _attempt(row)

    async def save(self, attempt: PaymentAttempt) -> None:
        await self._uow.execute(
            """UPDATE payment_attempt SET state = $3, provider_ref = nullif($4, ''), payment_url = $5, facts = $6::jsonb,
                   is_test = $7, is_unreachable = $8, is_forgotten = $9, mismatched_fields = $10, expires_at = $11,
                   settled_at = $12, checked_at = $13
               WHERE tenant_id = $1 AND id = $2""",
            self._tenant_id,
            attempt.id,
            attempt.state.value,
            attempt.provider_ref,
            attempt.payment_url,
            json.dumps(dict(attempt.facts)),
            attempt.is_test,
            attempt.is_unreachable,
            attempt.is_forgotten,
            list(attempt.mismatched_fields),
            attempt.expires_at,
            attempt.settled_at,
            attempt.checked_at,
        )

    async def open_ids(self, now: datetime) -> Sequence[UUID]:
        rows = await self._uow.fetch(
            f"SELECT id FROM payment_attempt WHERE tenant_id = $5 AND ({OPEN}) ORDER BY checked_at NULLS FIRST, id",
            now,
            *OPEN_LIMITS,
            self._tenant_id,
        )
        return [row["id"] for row in rows]


def _attempt(row: Any) -> PaymentAttempt:
    return PaymentAttempt(
        id=row["id"],
        invoice_id=row["invoice_id"],
        household_id=row["household_id"],
        amount=Money(row["amount_minor"], row["currency"]),
        debt_reference=row["debt_reference"],
        provider=row["provider"],
        created_at=row["created_at"],
        state=PaymentState(row["state"]),
        provider_ref=row["provider_ref"] or "",
        payment_url=row["payment_url"],
        facts=json.loads(row["facts"]),
        expires_at=row["expires_at"],
        settled_at=row["settled_at"],
        checked_at=row["checked_at"],
        is_test=row["is_test"],
        is_unreachable=row["is_unreachable"],
        is_forgotten=row["is_forgotten"],
        mismatched_fields=tuple(row["mismatched_fields"]),
    )
