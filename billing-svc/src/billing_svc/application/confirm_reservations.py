"""The agenda answered a settled invoice: which reservations stand, and which lost their place."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from preau_kernel.context import Context
from preau_kernel.ids import IdFactory

from billing_svc.application.credit_invoice import alert, credit_paid_lines
from billing_svc.application.follow_reservations import end_unpaid, enter
from billing_svc.application.ports import Books
from billing_svc.application.records import HouseholdRecord, InvoiceRecord, NewDocument
from billing_svc.application.settle_invoice import Money, new_payment, take_receipt_number
from billing_svc.domain import ledger
from billing_svc.domain.documents import DocumentKind
from billing_svc.domain.events import FamilyAccountCredited, InvoiceIssued
from billing_svc.domain.numbering import year_on
from billing_svc.domain.settlement import LATE_PAYMENT, PLACES_LOST
from billing_svc.domain.states import InvoiceState, LineState
from billing_svc.domain.withdrawal import Cause, plan_withdrawal


@dataclass(frozen=True, slots=True)
class Confirmation:
    household_id: str
    revision: int
    reservation_ids: Sequence[int]
    invoice_id: str
    lost_reservation_ids: Sequence[int]


async def confirm_reservations(
    told: Confirmation, context: Context, books: Books, at: datetime, ids: IdFactory
) -> None:
    """A paid invoice is confirmed, what was lost is credited; late money bills anew what could be regained."""
    household = await enter(told.household_id, told.revision, books)
    if household is None:
        return
    await books.advance(household, told.revision)
    invoice = await books.invoice(told.invoice_id) if told.invoice_id else None
    if invoice is None:
        return
    if invoice.status is InvoiceState.PAID:
        await books.mark_confirmed(invoice.id)
        await _credit_lost(told, household, invoice, books, at, ids)
    elif invoice.late_payment_id:
        await books.set_late_payment(invoice.id, "")
        billed = await _bill_regained(told.reservation_ids, context, household, invoice, books, at, ids)
        if invoice.total_minor > billed:
            books.publish(FamilyAccountCredited(invoice.household_id, invoice.total_minor - billed, LATE_PAYMENT))


async def _credit_lost(
    told: Confirmation, household: HouseholdRecord, invoice: InvoiceRecord, books: Books, at: datetime, ids: IdFactory
) -> None:
    lines = await books.live_lines(household, told.lost_reservation_ids)
    settled = [line for line in lines if line.state is LineState.SETTLED and line.invoice_id == invoice.id]
    plan = plan_withdrawal(settled, Cause.LOST)
    for state, line_ids in plan.ended.items():
        await books.set_lines(line_ids, state)
    if settled:
        amount = await credit_paid_lines(books, invoice, [line.id for line in settled], PLACES_LOST, at, ids)
        await alert(books, invoice, PLACES_LOST, amount, at, ids)


async def _bill_regained(
    regained: Collection[int],
    context: Context,
    household: HouseholdRecord,
    late: InvoiceRecord,
    books: Books,
    at: datetime,
    ids: IdFactory,
) -> int:
    """A new invoice, paid from the credit that the late money became. Answers its total."""
    live = await books.live_lines(household, list(regained))
    # In the basket, or invoiced anew, while the late money was on its way: it is paid now.
    waiting = plan_withdrawal([line for line in live if line.state is not LineState.SETTLED], Cause.CANCELLED)
    await end_unpaid(waiting, LATE_PAYMENT, books, at, ids, is_reopened=True)
    taken = {line.reservation_id for line in live if line.state is LineState.SETTLED}
    wanted = set(regained) - taken
    old_lines = [line for line in await books.document_lines(late.id) if line.reservation_id in wanted]
    if not old_lines:
        return 0
    total = sum(line.price_minor for line in old_lines)
    invoice_id, payment_id = str(ids.new()), str(ids.new())
    line_ids = await books.add_settled_lines(household, invoice_id, [line.charge_line_id for line in old_lines])
    lines = tuple(
        replace(line, rank=rank, charge_line_id=line_id)
        for rank, (line, line_id) in enumerate(zip(old_lines, line_ids, strict=True), 1)
    )
    if total:
        await books.post(ledger.invoice_issued(total), household.key, at, document_id=invoice_id)
        movement = ledger.money_allocated("family_credit", total)
        await books.post(movement, household.key, at, document_id=invoice_id, payment_id=payment_id)
    await books.allocate(payment_id, invoice_id, total, at)
    number = await books.add_document(
        NewDocument(
            id=invoice_id,
            kind=DocumentKind.INVOICE,
            household_key=household.key,
            total_minor=total,
            issued_at=at,
            payer_name=late.payer_name,
            payer_address=late.payer_address,
            issuer=late.issuer,
            year=year_on(at, late.issuer.time_zone),
            lines=lines,
            reason=LATE_PAYMENT,
        )
    )
    books.publish(InvoiceIssued(invoice_id, number, household.id, total, at))
    money = Money("family_credit", total, at, context.actor)
    receipt_number = await take_receipt_number(books, late, at)
    await books.add_payment(new_payment(payment_id, replace(late, id=invoice_id), money, receipt_number))
    await books.mark_paid(invoice_id, money.means, at, receipt_number)
    await books.mark_confirmed(invoice_id)
    await books.set_paid_by(invoice_id, late.late_payment_id)
    return total
