"""« En présentiel »: the same rows, the same invoice, the same ledger, with a numbered receipt."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import SERVICE_ROLE, Context
from preau_kernel.ids import IdFactory

from billing_svc.application.ports import BooksFactory, InvoiceDesk, RequestKey
from billing_svc.application.settle_invoice import Money, lock_invoice, settle
from billing_svc.domain.documents import Document
from billing_svc.domain.errors import AmountMismatchError, InvoiceNotFoundError, InvoiceNotPayableError
from billing_svc.domain.states import InvoiceState

TILL_ROLES = ("till", "staff", "operator", SERVICE_ROLE)


@dataclass(frozen=True, slots=True)
class RecordCounterPayment:
    request: RequestKey
    invoice_id: str
    means: str
    amount_minor: int


async def record_counter_payment(
    command: RecordCounterPayment,
    context: Context,
    open_books: BooksFactory,
    desk: InvoiceDesk,
    clock: Clock,
    ids: IdFactory,
) -> Document:
    """Settle an invoice of any household with what was taken at the counter; the invoice, also to a clerk who is a parent."""
    context.require_role(*TILL_ROLES)
    await _settle(command, context, open_books, clock, ids)
    document = await desk.document(context, command.invoice_id, None)
    if document is None:
        raise InvoiceNotFoundError
    return document


async def _settle(
    command: RecordCounterPayment, context: Context, open_books: BooksFactory, clock: Clock, ids: IdFactory
) -> None:
    async with open_books(context, command.request) as books:
        if books.replayed is not None:
            return
        invoice = await lock_invoice(books, command.invoice_id)
        if invoice.status is not InvoiceState.ISSUED:
            raise InvoiceNotPayableError(invoice.id, invoice.status.name)
        if command.amount_minor != invoice.total_minor:
            raise AmountMismatchError(invoice.total_minor, command.amount_minor)
        now = clock.now()
        await settle(books, invoice, Money(command.means, command.amount_minor, now, context.actor), now, ids)
        await books.commit(invoice.id)
