"""Invoices and credit notes, their PDF and receipts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

from litestar import Controller, Response, get
from preau.billing.v1 import billing_service_pb2 as pb
from preau_chassis.wire import date_from_wire, money_from_wire, timestamp_from_wire
from preau_kernel.money import Money

from gateway.auth import require_family
from gateway.citizen.desk import Desk, Page
from gateway.citizen.states import CREDIT_NOTE, FOR_THE_COUNTER, INVOICE_STATES, State
from gateway.payments import online_minimum

_PAGE = 25
_UNSAFE_IN_NAMES = '"\\\r\n;'


@dataclass(frozen=True, slots=True)
class Document:
    """An invoice or a credit note in a list."""

    id: str
    number: str
    is_credit_note: bool
    issued_at: datetime | None
    total: Money
    state: State
    is_paid: bool
    is_payable: bool
    is_for_counter: bool
    """Payable, but not online: the town takes no payment there, or none so small."""
    payable_until: datetime | None
    line_count: int
    related_id: str
    related_number: str
    receipt_number: str
    paid_at: datetime | None
    payer: str
    last_attempt_id: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a document."""

    day: date
    activity: str
    child: str
    price: Money
    computation: str


class InvoiceController(Controller):
    """« Factures »."""

    path = "/factures"
    guards = [require_family]  # noqa: RUF012 - Litestar's own attribute

    @get()
    async def list(self, desk: Desk) -> Page:
        """Latest first."""
        answer, account = await asyncio.gather(
            desk.clients.billing.list_invoices(
                desk.token, pb.ListInvoicesRequest(page_size=_PAGE, page_token=desk.query.text("suite"))
            ),
            desk.clients.billing.get_family_account(desk.token, pb.GetFamilyAccountRequest()),
        )
        credit = money_from_wire(account.credit) if account.credit.currency_code else Money.zero()
        return await desk.family_page(
            "invoices/list.html",
            documents=await documents_of(answer.invoices, desk),
            next_token=answer.next_page_token,
            is_first=not desk.query.text("suite"),
            credit=credit,
        )

    @get("/{invoice_id:str}")
    async def detail(self, desk: Desk, invoice_id: str) -> Page:
        """One document, line by line."""
        answer = await desk.clients.billing.get_invoice(desk.token, pb.GetInvoiceRequest(id=invoice_id))
        lines = [
            Line(
                date_from_wire(line.day),
                line.activity_name,
                line.child_name,
                money_from_wire(line.price),
                line.computation,
            )
            for line in answer.invoice.lines
        ]
        (document,) = await documents_of([answer.invoice], desk)
        return await desk.family_page("invoices/detail.html", document=document, lines=lines)

    @get("/{invoice_id:str}/pdf")
    async def pdf(self, desk: Desk, invoice_id: str) -> Page:
        """The document as PDF."""
        answer = await desk.clients.billing.get_invoice_pdf(desk.token, pb.GetInvoicePdfRequest(id=invoice_id))
        return _pdf(answer.pdf, answer.file_name or "facture.pdf")

    @get("/{invoice_id:str}/quittance")
    async def receipt(self, desk: Desk, invoice_id: str) -> Page:
        """The receipt of a paid invoice as PDF."""
        answer = await desk.clients.billing.get_receipt_pdf(desk.token, pb.GetReceiptPdfRequest(invoice_id=invoice_id))
        return _pdf(answer.pdf, answer.file_name or "quittance.pdf")


def _pdf(content: bytes, name: str) -> Page:
    safe = "".join(char for char in name if char.isascii() and char.isprintable() and char not in _UNSAFE_IN_NAMES)
    headers = {"Content-Disposition": f'inline; filename="{safe}"', "Cache-Control": "private, no-store"}
    return Response(content, media_type="application/pdf", headers=headers)


async def documents_of(items: Iterable[pb.Invoice], desk: Desk) -> list[Document]:
    """Documents with the words for their states; payment is asked about those that can still be paid."""
    documents = [_document(item, desk) for item in items]
    if not any(document.is_payable for document in documents):
        return documents
    minimum = await online_minimum(desk.clients, desk.visitor)
    return [
        replace(document, is_for_counter=True, state=FOR_THE_COUNTER.said(desk.lex))
        if document.is_payable and (minimum is None or document.total.minor_units < minimum)
        else document
        for document in documents
    ]


def _document(item: pb.Invoice, desk: Desk) -> Document:
    is_credit_note = item.kind == pb.DOCUMENT_KIND_CREDIT_NOTE
    until = timestamp_from_wire(item.payable_until) if item.HasField("payable_until") else None
    is_issued = item.status == pb.INVOICE_STATUS_ISSUED and not is_credit_note
    state = CREDIT_NOTE if is_credit_note else INVOICE_STATES.get(item.status, CREDIT_NOTE)
    return Document(
        id=item.id,
        number=item.number,
        is_credit_note=is_credit_note,
        issued_at=timestamp_from_wire(item.issued_at) if item.HasField("issued_at") else None,
        total=money_from_wire(item.total),
        state=state.said(desk.lex),
        is_paid=item.status == pb.INVOICE_STATUS_PAID,
        is_payable=is_issued and (until is None or until > desk.now),
        is_for_counter=False,
        payable_until=until,
        line_count=item.line_count or len(item.lines),
        related_id=item.related_id,
        related_number=item.related_number,
        receipt_number=item.receipt_number,
        paid_at=timestamp_from_wire(item.paid_at) if item.HasField("paid_at") else None,
        payer=item.payer_name,
        last_attempt_id=item.last_attempt_id,
    )
