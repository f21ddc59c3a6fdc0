"""Payments, the ledger, attempts and alerts, in one town's transaction."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from preau_chassis.database import UnitOfWork

from billing_svc.adapters.db.papers import optional_uuid
from billing_svc.application.records import AlertRecord, AttemptRecord, NewPayment, ProviderPayment
from billing_svc.domain.ledger import Movement
from billing_svc.domain.states import AttemptState

_PAYMENT = """
INSERT INTO payment (tenant_id, id, household_key, invoice_id, attempt_id, means, amount_minor, received_at, provider_ref, actor,
                     receipt_number)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"""
_POST = """
WITH movement AS (
  INSERT INTO ledger_transaction (tenant_id, kind, document_id, payment_id, recorded_at) VALUES ($1, $2, $3, $4, $5) RETURNING id)
INSERT INTO ledger_entry (tenant_id, transaction_id, account, household_key, debit_minor, credit_minor)
SELECT $1, movement.id, p.account, $6, p.debit, p.credit
FROM movement, unnest($7::text[], $8::bigint[], $9::bigint[]) AS p (account, debit, credit)"""
_CREDIT = """
SELECT COALESCE(sum(e.credit_minor - e.debit_minor), 0)::bigint FROM household h
JOIN ledger_entry e ON e.tenant_id = h.tenant_id AND e.household_key = h.key AND e.account = 'family_credit'
WHERE h.tenant_id = $1 AND h.household_id = $2"""
_ALERT = """
INSERT INTO alert (tenant_id, id, reason, household_key, invoice_id, amount_minor, raised_at) VALUES ($1, $2, $3, $4, $5, $6, $7)"""
_ATTEMPT = """
INSERT INTO payment_attempt (tenant_id, request_id, invoice_id, rank, status, created_at) VALUES ($1, $2, $3, $4, $5, $6)"""
_START = """
WITH started AS (
  UPDATE payment_attempt SET attempt_id = $3, payment_url = $4, expires_at = $5,
         status = CASE WHEN status = 1 THEN 2::smallint ELSE status END
   WHERE tenant_id = $1 AND request_id = $2 RETURNING invoice_id)
UPDATE invoice_state s SET last_attempt_id = $3 FROM started WHERE s.tenant_id = $1 AND s.invoice_id = started.invoice_id"""


class SqlMoneys:
    """``Moneys`` on PostgreSQL."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._tenant = uow.context.tenant_id

    async def has_payment_of(self, attempt_id: str) -> bool:
        found = await self._uow.fetchval(
            "SELECT true FROM payment WHERE tenant_id = $1 AND attempt_id = $2", self._tenant, UUID(attempt_id)
        )
        return bool(found)

    async def add_payment(self, payment: NewPayment) -> None:
        await self._uow.execute(
            _PAYMENT,
            self._tenant,
            UUID(payment.id),
            payment.household_key,
            UUID(payment.invoice_id),
            optional_uuid(payment.attempt_id),
            payment.means,
            payment.amount_minor,
            payment.received_at,
            payment.provider_ref,
            payment.actor,
            payment.receipt_number,
        )

    async def allocate(self, payment_id: str, invoice_id: str, amount_minor: int, at: datetime) -> None:
        await self._uow.execute(
            "INSERT INTO allocation (tenant_id, payment_id, invoice_id, amount_minor, allocated_at) VALUES ($1, $2, $3, $4, $5)",
            self._tenant,
            UUID(payment_id),
            UUID(invoice_id),
            amount_minor,
            at,
        )

    async def post(
        self, movement: Movement, household_key: int, at: datetime, *, document_id: str = "", payment_id: str = ""
    ) -> None:
        await self._uow.execute(
            _POST,
            self._tenant,
            movement.kind,
            optional_uuid(document_id),
            optional_uuid(payment_id),
            at,
            household_key,
            [posting.account for posting in movement.postings],
            [posting.debit_minor for posting in movement.postings],
            [posting.credit_minor for posting in movement.postings],
        )

    async def family_credit(self, household_id: str) -> int:
        amount: int = await self._uow.fetchval(_CREDIT, self._tenant, UUID(household_id))
        return amount

    async def raise_alert(self, alert: AlertRecord) -> None:
        await self._uow.execute(
            _ALERT,
            self._tenant,
            UUID(alert.id),
            alert.reason,
            alert.household_key,
            optional_uuid(alert.invoice_id),
            alert.amount_minor,
            alert.raised_at,
        )

    async def attempts(self, invoice_id: str) -> list[AttemptRecord]:
        rows = await self._uow.fetch(
            "SELECT * FROM payment_attempt WHERE tenant_id = $1 AND invoice_id = $2 ORDER BY rank",
            self._tenant,
            UUID(invoice_id),
        )
        return [_attempt(row) for row in rows]

    async def attempt_of_request(self, request_id: str) -> AttemptRecord | None:
        row = await self._uow.fetchrow(
            "SELECT * FROM payment_attempt WHERE tenant_id = $1 AND request_id = $2", self._tenant, UUID(request_id)
        )
        return None if row is None else _attempt(row)

    async def add_attempt(self, attempt: AttemptRecord, at: datetime) -> None:
        await self._uow.execute(
            _ATTEMPT,
            self._tenant,
            UUID(attempt.request_id),
            UUID(attempt.invoice_id),
            attempt.rank,
            int(attempt.state),
            at,
        )

    async def start_attempt(self, request_id: str, payment: ProviderPayment) -> None:
        await self._uow.execute(
            _START, self._tenant, UUID(request_id), UUID(payment.attempt_id), payment.payment_url, payment.expires_at
        )

    async def set_attempt(self, attempt_id: str, state: AttemptState) -> None:
        await self._uow.execute(
            "UPDATE payment_attempt SET status = $3 WHERE tenant_id = $1 AND attempt_id = $2",
            self._tenant,
            UUID(attempt_id),
            int(state),
        )


def _attempt(row: Any) -> AttemptRecord:
    return AttemptRecord(
        request_id=str(row["request_id"]),
        invoice_id=str(row["invoice_id"]),
        rank=row["rank"],
        state=AttemptState(row["status"]),
        attempt_id=str(row["attempt_id"] or ""),
        payment_url=row["payment_url"],
        expires_at=row["expires_at"],
    )
