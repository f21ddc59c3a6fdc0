"""« Reprendre mes réservations »: an unpaid invoice is cancelled by a credit note, its lines are back in the basket."""

from __future__ import annotations

from dataclasses import dataclass

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind
from preau_kernel.ids import IdFactory

from billing_svc.application.credit_invoice import cancel_unpaid_invoice
from billing_svc.application.follow_payments import move_attempt
from billing_svc.application.ports import Books, BooksFactory, PaymentGateway, RequestKey
from billing_svc.application.settle_invoice import lock_invoice
from billing_svc.domain.errors import InvoiceNotFoundError, InvoiceNotPayableError, PaymentInProgressError
from billing_svc.domain.states import AttemptState, AttemptTrigger, InvoiceState, LineState


@dataclass(frozen=True, slots=True)
class ReopenInvoice:
    request: RequestKey
    invoice_id: str
    token: str


@dataclass(frozen=True, slots=True)
class ReopenPorts:
    books: BooksFactory
    gateway: PaymentGateway
    clock: Clock
    ids: IdFactory


async def reopen_invoice(command: ReopenInvoice, context: Context, ports: ReopenPorts) -> str:
    """The credit note's id; the same request gives the same one."""
    ended = await _ask_about_attempts(command, context, ports)
    async with ports.books(context, command.request) as books:
        if books.replayed is not None:
            return books.replayed
        invoice = await lock_invoice(books, command.invoice_id)
        if invoice.household_id != context.require_household():
            raise InvoiceNotFoundError
        if invoice.status is not InvoiceState.ISSUED:
            raise InvoiceNotPayableError(invoice.id, invoice.status.name)
        for attempt_id in ended:
            await move_attempt(books, attempt_id, invoice.id, AttemptTrigger.FAIL)
        for open_id in await _open_attempts(books, invoice.id):
            raise PaymentInProgressError(invoice.id, open_id, invoice.payable_until)
        lines = await books.lines_of_invoice(invoice.id)
        await books.set_lines([line.id for line in lines if line.state is LineState.INVOICED], LineState.PENDING)
        note_id = await cancel_unpaid_invoice(
            books, invoice, "REOPENED", ports.clock.now(), ports.ids, is_reopened=True
        )
        await books.commit(note_id)
    return note_id


async def _open_attempts(books: Books, invoice_id: str) -> list[str]:
    attempts = await books.attempts(invoice_id)
    return [attempt.attempt_id for attempt in attempts if attempt.state in {AttemptState.STARTED, AttemptState.PAID}]


async def _ask_about_attempts(command: ReopenInvoice, context: Context, ports: ReopenPorts) -> list[str]:
    """The attempts that the provider says are over; asked outside any transaction."""
    async with ports.books(context) as books:
        invoice = await books.invoice(command.invoice_id)
        if invoice is None or invoice.household_id != context.require_household():
            raise InvoiceNotFoundError
        if invoice.status is not InvoiceState.ISSUED:
            return []
        open_ids = await _open_attempts(books, invoice.id)
    ended = []
    for attempt_id in open_ids:
        try:
            state = await ports.gateway.refresh(command.token, attempt_id)
        except DomainError as error:
            if error.kind in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}:
                continue
            raise
        if state is AttemptState.FAILED:
            ended.append(attempt_id)
    return ended
