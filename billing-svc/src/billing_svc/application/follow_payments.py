"""What the payment gateway's events do. Money is never dropped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from preau_kernel.context import Context
from preau_kernel.ids import IdFactory

from billing_svc.application.credit_invoice import alert
from billing_svc.application.ports import Books
from billing_svc.application.records import InvoiceRecord
from billing_svc.application.settle_invoice import Money, lock_invoice, new_payment, settle
from billing_svc.domain import ledger
from billing_svc.domain.errors import NotReadyError
from billing_svc.domain.events import FamilyAccountCredited, InvoiceSettled
from billing_svc.domain.settlement import AMOUNT_MISMATCH, Decision, Effect, Receipt, decide_payment
from billing_svc.domain.states import ATTEMPT_TRANSITIONS, AttemptState, AttemptTrigger, InvoiceState


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    attempt_id: str
    invoice_id: str
    amount_minor: int
    settled_at: datetime
    provider: str
    provider_ref: str
    is_test: bool
    known_at: datetime | None = None
    """When the platform learnt it; unknown of old events."""


async def receive_payment(told: PaymentSucceeded, context: Context, books: Books, at: datetime, ids: IdFactory) -> None:
    """Settle the invoice, or keep the money as the family's credit and tell a clerk."""
    invoice = await lock_invoice(books, told.invoice_id)
    if await books.has_payment_of(told.attempt_id):
        return
    town = await books.town()
    if town is None:
        raise NotReadyError("TOWN_UNKNOWN")
    unpaid = await _regainable(books, invoice)
    decision = decide_payment(
        invoice.status,
        invoice.total_minor,
        Receipt(told.amount_minor, told.is_test),
        is_production=town.is_production,
        can_regain=bool(unpaid),
    )
    if decision.effect is Effect.REFUSE:
        await move_attempt(books, told.attempt_id, invoice.id, AttemptTrigger.FAIL)
        await alert(books, invoice, decision.alert, told.amount_minor, at, ids)
        return
    await move_attempt(books, told.attempt_id, invoice.id, AttemptTrigger.PAY)
    money = Money(
        told.provider,
        told.amount_minor,
        told.settled_at,
        context.actor,
        told.attempt_id,
        told.provider_ref,
        told.known_at,
    )
    if decision.effect is Effect.SETTLE:
        await settle(books, invoice, money, at, ids)
    else:
        await _keep(books, invoice, money, decision, unpaid, at, ids)


async def fail_payment(attempt_id: str, invoice_id: str, books: Books) -> None:
    """The attempt is over; the invoice stays payable until its hold ends."""
    await lock_invoice(books, invoice_id)
    await move_attempt(books, attempt_id, invoice_id, AttemptTrigger.FAIL)


async def flag_mismatch(invoice_id: str, amount_minor: int, books: Books, at: datetime, ids: IdFactory) -> None:
    """What the provider says differs from what was asked: nothing is booked before a person looked."""
    invoice = await lock_invoice(books, invoice_id)
    await alert(books, invoice, AMOUNT_MISMATCH, amount_minor, at, ids)


async def move_attempt(books: Books, attempt_id: str, invoice_id: str, trigger: AttemptTrigger) -> None:
    """Note the attempt's end; one that this service does not know, or that is over already, changes nothing."""
    for attempt in await books.attempts(invoice_id):
        target = ATTEMPT_TRANSITIONS.get((attempt.state, trigger))
        if attempt.attempt_id == attempt_id and target is not None and target is not AttemptState.STARTED:
            await books.set_attempt(attempt_id, target)


async def _regainable(books: Books, invoice: InvoiceRecord) -> list[int]:
    """The reservations the agenda may be asked for: nobody paid for them since, and the family did not cancel them."""
    if invoice.status is not InvoiceState.CANCELLED or invoice.late_payment_id:
        return []
    lines = await books.document_lines(invoice.id)
    return await books.unpaid([line.reservation_id for line in lines])


async def _keep(
    books: Books,
    invoice: InvoiceRecord,
    money: Money,
    decision: Decision,
    unpaid: Sequence[int],
    at: datetime,
    ids: IdFactory,
) -> None:
    payment_id = str(ids.new())
    movement = ledger.money_kept(money.means, money.amount_minor)
    await books.post(movement, invoice.household_key, at, document_id=invoice.id, payment_id=payment_id)
    await books.add_payment(new_payment(payment_id, invoice, money))
    await alert(books, invoice, decision.alert, money.amount_minor, at, ids)
    if decision.effect is Effect.KEEP:
        books.publish(FamilyAccountCredited(invoice.household_id, money.amount_minor, decision.alert))
        return
    await books.set_late_payment(invoice.id, payment_id)
    books.publish(
        InvoiceSettled(
            invoice.id,
            invoice.household_id,
            tuple(unpaid),
            money.received_at,
            is_late=True,
            paid_known_at=money.known_at,
        )
    )
