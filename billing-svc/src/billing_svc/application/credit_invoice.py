"""Credit notes: an issued document is never deleted, another one corrects it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from preau_kernel.ids import IdFactory

from billing_svc.application.ports import Books
from billing_svc.application.records import AlertRecord, InvoiceRecord, NewDocument
from billing_svc.domain import ledger
from billing_svc.domain.documents import DocumentKind, DocumentLine
from billing_svc.domain.events import FamilyAccountCredited, InvoiceCancelled
from billing_svc.domain.numbering import year_on
from billing_svc.domain.states import INVOICE_TRANSITIONS, InvoiceTrigger, move


async def cancel_unpaid_invoice(
    books: Books, invoice: InvoiceRecord, reason: str, at: datetime, ids: IdFactory, *, is_reopened: bool
) -> str:
    """A credit note for all of an unpaid invoice; the caller moves its lines. Answers the credit note's id."""
    move(INVOICE_TRANSITIONS, invoice.status, InvoiceTrigger.CREDIT)
    lines = await books.document_lines(invoice.id)
    note_id = str(ids.new())
    if invoice.total_minor:
        movement = ledger.unpaid_invoice_credited(invoice.total_minor)
        await books.post(movement, invoice.household_key, at, document_id=note_id)
    await books.mark_cancelled(invoice.id, note_id)
    books.publish(InvoiceCancelled(invoice.id, note_id, invoice.household_id, is_reopened))
    await books.add_document(_credit_note(note_id, invoice, lines, reason, at))
    return note_id


async def credit_paid_lines(
    books: Books, invoice: InvoiceRecord, line_ids: Collection[int], reason: str, at: datetime, ids: IdFactory
) -> int:
    """A credit note for some lines of a paid invoice: the family keeps their money as credit. Answers the amount."""
    wanted = set(line_ids)
    lines = [line for line in await books.document_lines(invoice.id) if line.charge_line_id in wanted]
    amount = sum(line.price_minor for line in lines)
    note_id = str(ids.new())
    if amount:
        movement = ledger.paid_lines_credited(amount)
        await books.post(movement, invoice.household_key, at, document_id=note_id)
        books.publish(FamilyAccountCredited(invoice.household_id, amount, reason))
    if lines:
        await books.add_document(_credit_note(note_id, invoice, lines, reason, at))
    return amount


async def alert(
    books: Books, invoice: InvoiceRecord, reason: str, amount_minor: int, at: datetime, ids: IdFactory
) -> None:
    """Put a case before a clerk."""
    await books.raise_alert(
        AlertRecord(str(ids.new()), reason, invoice.household_id, invoice.household_key, invoice.id, amount_minor, at)
    )


def _credit_note(
    note_id: str, invoice: InvoiceRecord, lines: Collection[DocumentLine], reason: str, at: datetime
) -> NewDocument:
    negated = tuple(replace(line, rank=rank, price_minor=-line.price_minor) for rank, line in enumerate(lines, 1))
    return NewDocument(
        id=note_id,
        kind=DocumentKind.CREDIT_NOTE,
        household_key=invoice.household_key,
        total_minor=sum(line.price_minor for line in negated),
        issued_at=at,
        payer_name=invoice.payer_name,
        payer_address=invoice.payer_address,
        issuer=invoice.issuer,
        year=year_on(at, invoice.issuer.time_zone),
        lines=negated,
        corrects_id=invoice.id,
        reason=reason,
    )
