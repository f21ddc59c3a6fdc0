"""Money settles an invoice: the one path for the provider, the counter and the family's credit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.ids import IdFactory

from billing_svc.application.ports import Books, BooksFactory
from billing_svc.application.records import InvoiceRecord, NewPayment
from billing_svc.domain import ledger
from billing_svc.domain.errors import InvoiceNotFoundError
from billing_svc.domain.events import InvoiceSettled
from billing_svc.domain.numbering import Series, year_on
from billing_svc.domain.states import INVOICE_TRANSITIONS, InvoiceState, InvoiceTrigger, LineState, move


@dataclass(frozen=True, slots=True)
class Money:
    """What came in, and how."""

    means: str
    amount_minor: int
    received_at: datetime
    actor: str
    attempt_id: str = ""
    provider_ref: str = ""
    known_at: datetime | None = None


async def lock_invoice(books: Books, invoice_id: str) -> InvoiceRecord:
    """The invoice, its household locked; ``NOT_FOUND/INVOICE_NOT_FOUND`` otherwise."""
    if not await books.lock_household_of(invoice_id):
        raise InvoiceNotFoundError
    locked = await books.invoice(invoice_id)
    if locked is None:
        raise InvoiceNotFoundError
    return locked


def new_payment(payment_id: str, invoice: InvoiceRecord, money: Money, receipt_number: str = "") -> NewPayment:
    """The row that says that ``money`` came in."""
    return NewPayment(
        id=payment_id,
        household_key=invoice.household_key,
        invoice_id=invoice.id,
        means=money.means,
        amount_minor=money.amount_minor,
        received_at=money.received_at,
        actor=money.actor,
        attempt_id=money.attempt_id,
        provider_ref=money.provider_ref,
        receipt_number=receipt_number,
    )


async def take_receipt_number(books: Books, invoice: InvoiceRecord, at: datetime) -> str:
    """The next number of the till's receipts."""
    return await books.next_number(invoice.issuer.till_code, Series.RECEIPT, year_on(at, invoice.issuer.time_zone))


async def settle(books: Books, invoice: InvoiceRecord, money: Money, at: datetime, ids: IdFactory) -> None:
    """Pay ``invoice`` in full with ``money``; its household is locked. The receipt's number is taken last."""
    move(INVOICE_TRANSITIONS, invoice.status, InvoiceTrigger.SETTLE)
    lines = [line for line in await books.lines_of_invoice(invoice.id) if line.state is LineState.INVOICED]
    await books.set_lines([line.id for line in lines], LineState.SETTLED)
    payment_id = str(ids.new())
    if money.amount_minor:
        movement = ledger.money_allocated(money.means, money.amount_minor)
        await books.post(movement, invoice.household_key, at, document_id=invoice.id, payment_id=payment_id)
    await books.allocate(payment_id, invoice.id, money.amount_minor, at)
    books.publish(
        InvoiceSettled(
            invoice.id,
            invoice.household_id,
            tuple(line.reservation_id for line in lines),
            money.received_at,
            paid_known_at=money.known_at,
        )
    )
    receipt_number = await take_receipt_number(books, invoice, at)
    await books.add_payment(new_payment(payment_id, invoice, money, receipt_number))
    await books.mark_paid(invoice.id, money.means, money.received_at, receipt_number)


async def settle_free_invoice(
    invoice_id: str, context: Context, open_books: BooksFactory, clock: Clock, ids: IdFactory
) -> None:
    """An invoice of nothing is paid at once; again does nothing."""
    async with open_books(context) as books:
        invoice = await lock_invoice(books, invoice_id)
        if invoice.status is not InvoiceState.ISSUED:
            return
        now = clock.now()
        await settle(books, invoice, Money("none", 0, now, context.actor), now, ids)
        await books.commit()
