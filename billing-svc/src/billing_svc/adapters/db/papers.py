"""Documents, their state and their numbers, in one town's transaction."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from preau_chassis.database import UnitOfWork

from billing_svc.application.records import InvoiceRecord, NewDocument
from billing_svc.domain.documents import ActivityKind, DocumentKind, DocumentLine, Issuer
from billing_svc.domain.numbering import Series
from billing_svc.domain.states import InvoiceState

_INVOICE = """
SELECT d.id, d.number, d.household_key, h.household_id, d.total_minor, d.issued_at, d.payer_name, d.payer_address, d.issuer::text AS issuer,
       s.status, s.payable_until, s.is_confirmed, s.late_payment_id
FROM document d
JOIN invoice_state s ON s.tenant_id = d.tenant_id AND s.invoice_id = d.id
JOIN household h ON h.tenant_id = d.tenant_id AND h.key = d.household_key
WHERE d.tenant_id = $1 AND d.id = $2"""
_LINES = """
SELECT l.*, c.child_id, a.activity_id FROM document d
JOIN document_line l ON l.tenant_id = d.tenant_id AND l.document_key = d.key
JOIN child c ON c.tenant_id = d.tenant_id AND c.key = l.child_key
JOIN activity a ON a.tenant_id = d.tenant_id AND a.key = l.activity_key
WHERE d.tenant_id = $1 AND d.id = $2 ORDER BY l.rank"""
_ADD_LINES = """
INSERT INTO document_line (tenant_id, document_key, rank, charge_line_id, reservation_id, child_key, child_name, activity_key,
                           activity_name, kind, day, price_minor, computation)
SELECT $1, $2, u.rank, u.charge_line_id, u.reservation_id, c.key, u.child_name, a.key, u.activity_name, u.kind, u.day, u.price, u.computation
FROM unnest($3::integer[], $4::bigint[], $5::bigint[], $6::uuid[], $7::text[], $8::uuid[], $9::text[], $10::smallint[], $11::date[],
            $12::integer[], $13::text[])
  AS u (rank, charge_line_id, reservation_id, child_id, child_name, activity_id, activity_name, kind, day, price, computation)
JOIN child c ON c.tenant_id = $1 AND c.child_id = u.child_id
JOIN activity a ON a.tenant_id = $1 AND a.activity_id = u.activity_id"""
_ADD_DOCUMENT = """
INSERT INTO document (tenant_id, key, id, kind, number, household_key, total_minor, issued_at, payer_name, payer_address, issuer,
                      line_count, corrects_id, reason)
VALUES ($1, $2, $3, $4, billing_next_number($5, $6, $7), $8, $9, $10, $11, $12, $13::text::jsonb, $14, $15, $16) RETURNING number"""
_SERIES = {DocumentKind.INVOICE: Series.INVOICE, DocumentKind.CREDIT_NOTE: Series.CREDIT_NOTE}


def optional_uuid(text: str) -> UUID | None:
    """None for the empty string."""
    return UUID(text) if text else None


def issuer_of(text: str) -> Issuer:
    """The snapshot, as stored."""
    return Issuer(**json.loads(text))


class SqlPapers:
    """``Papers`` on PostgreSQL."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow
        self._tenant = uow.context.tenant_id

    async def invoice(self, invoice_id: str) -> InvoiceRecord | None:
        row = await self._uow.fetchrow(_INVOICE, self._tenant, UUID(invoice_id))
        return None if row is None else _invoice(row)

    async def document_lines(self, invoice_id: str) -> list[DocumentLine]:
        rows = await self._uow.fetch(_LINES, self._tenant, UUID(invoice_id))
        return [_line(row) for row in rows]

    async def add_document(self, document: NewDocument) -> str:
        key = await self._uow.fetchval("SELECT nextval('document_key_seq')")
        lines = document.lines
        await self._uow.execute(
            _ADD_LINES,
            self._tenant,
            key,
            [line.rank for line in lines],
            [line.charge_line_id for line in lines],
            [line.reservation_id for line in lines],
            [UUID(line.child_id) for line in lines],
            [line.child_name for line in lines],
            [UUID(line.activity_id) for line in lines],
            [line.activity_name for line in lines],
            [int(line.kind) for line in lines],
            [line.day for line in lines],
            [line.price_minor for line in lines],
            [line.computation for line in lines],
        )
        if document.kind is DocumentKind.INVOICE:
            await self._uow.execute(
                "INSERT INTO invoice_state (tenant_id, invoice_id, household_key, status) VALUES ($1, $2, $3, 1)",
                self._tenant,
                UUID(document.id),
                document.household_key,
            )
        number: str = await self._uow.fetchval(
            _ADD_DOCUMENT,
            self._tenant,
            key,
            UUID(document.id),
            int(document.kind),
            document.issuer.till_code,
            _SERIES[document.kind].value,
            document.year,
            document.household_key,
            document.total_minor,
            document.issued_at,
            document.payer_name,
            document.payer_address,
            json.dumps(asdict(document.issuer)),
            len(lines),
            optional_uuid(document.corrects_id),
            document.reason,
        )
        return number

    async def mark_paid(self, invoice_id: str, means: str, paid_at: datetime, receipt_number: str) -> None:
        await self._set(
            invoice_id, "status = 2, means = $3, paid_at = $4, receipt_number = $5", means, paid_at, receipt_number
        )

    async def mark_cancelled(self, invoice_id: str, credit_note_id: str) -> None:
        await self._set(invoice_id, "status = 3, credit_note_id = $3", UUID(credit_note_id))

    async def mark_confirmed(self, invoice_id: str) -> None:
        await self._set(invoice_id, "is_confirmed = true")

    async def set_late_payment(self, invoice_id: str, payment_id: str) -> None:
        await self._set(invoice_id, "late_payment_id = $3", optional_uuid(payment_id))

    async def set_paid_by(self, invoice_id: str, payment_id: str) -> None:
        attempt = "(SELECT p.attempt_id FROM payment p WHERE p.tenant_id = $1 AND p.id = $3)"
        await self._set(invoice_id, f"last_attempt_id = {attempt}", optional_uuid(payment_id))

    async def next_number(self, till_code: str, series: Series, year: int) -> str:
        number: str = await self._uow.fetchval("SELECT billing_next_number($1, $2, $3)", till_code, series.value, year)
        return number

    async def _set(self, invoice_id: str, assignments: str, *values: object) -> None:
        await self._uow.execute(
            f"UPDATE invoice_state SET {assignments} WHERE tenant_id = $1 AND invoice_id = $2",
            self._tenant,
            UUID(invoice_id),
            *values,
        )


def _invoice(row: Any) -> InvoiceRecord:
    return InvoiceRecord(
        id=str(row["id"]),
        number=row["number"],
        household_key=row["household_key"],
        household_id=str(row["household_id"]),
        total_minor=row["total_minor"],
        issued_at=row["issued_at"],
        status=InvoiceState(row["status"]),
        payable_until=row["payable_until"],
        is_confirmed=row["is_confirmed"],
        late_payment_id=str(row["late_payment_id"] or ""),
        payer_name=row["payer_name"],
        payer_address=row["payer_address"],
        issuer=issuer_of(row["issuer"]),
    )


def _line(row: Any) -> DocumentLine:
    return DocumentLine(
        rank=row["rank"],
        charge_line_id=row["charge_line_id"],
        reservation_id=row["reservation_id"],
        child_id=str(row["child_id"]),
        child_name=row["child_name"],
        activity_id=str(row["activity_id"]),
        activity_name=row["activity_name"],
        kind=ActivityKind(row["kind"]),
        day=row["day"],
        price_minor=row["price_minor"],
        computation=row["computation"],
    )
