"""Where a payment stands, as exactly one state a parent can act on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from preau.billing.v1 import billing_service_pb2 as billing
from preau.payment.v1 import payment_service_pb2 as pb
from preau_chassis.wire import money_from_wire, timestamp_from_wire
from preau_kernel.money import Money

from gateway.citizen.desk import Desk
from gateway.payments import OPEN_STATUSES, PaymentState

_LATEST = 20
_SEARCH = timedelta(seconds=15)
"""How long the services may take to find out which places are still free."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """``state`` is one of ``confirmed``, ``confirming``, ``checking``, ``late``, ``refused``, ``abandoned``, ``expired``, ``reversed``."""

    state: str
    attempt_id: str
    invoice_id: str
    number: str
    amount: Money
    receipt_number: str
    payable_until: datetime | None
    line_count: int
    is_provider_unreachable: bool
    credit_note_number: str
    can_continue: bool
    """Whether the provider's page can still be opened."""
    regained: billing.Invoice | None = None
    """Of late money: the invoice of the places that could be taken again."""
    credit: Money | None = None
    """Of late money: what became the family's credit; unknown while the places are being looked for."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will change by itself."""
        return self.state not in {"checking", "confirming"} and not self.is_looking_for_places

    @property
    def is_looking_for_places(self) -> bool:
        return self.state == "late" and self.credit is None

    @property
    def can_pay_again(self) -> bool:
        return self.state in {"refused", "abandoned", "expired"} and self.payable_until is not None


_FAILED = {
    pb.PAYMENT_STATUS_DENIED: "refused",
    pb.PAYMENT_STATUS_CANCELLED: "abandoned",
    pb.PAYMENT_STATUS_EXPIRED: "expired",
    pb.PAYMENT_STATUS_REVERSED: "reversed",
}


def outcome_of(state: PaymentState, desk: Desk) -> Outcome:
    """Put the provider's answer and the invoice's state together: the invoice decides what is confirmed."""
    invoice, attempt = state.invoice, state.payment
    until = timestamp_from_wire(invoice.payable_until) if invoice.HasField("payable_until") else None
    is_payable = invoice.status == billing.INVOICE_STATUS_ISSUED and until is not None and until > desk.now
    return Outcome(
        state=_state(attempt, invoice),
        attempt_id=attempt.id,
        invoice_id=invoice.id,
        number=invoice.number,
        amount=money_from_wire(attempt.amount),
        receipt_number=invoice.receipt_number,
        payable_until=until if is_payable else None,
        line_count=invoice.line_count or len(invoice.lines),
        is_provider_unreachable=attempt.is_provider_unreachable,
        credit_note_number=invoice.related_number,
        can_continue=can_open(attempt, desk),
    )


async def with_late_money(outcome: Outcome, attempt: pb.Payment, desk: Desk) -> Outcome:
    """What became of money that came after the hold: billing books what is still free, the rest is the family's credit."""
    if outcome.state != "late":
        return outcome
    listed = await desk.clients.billing.list_invoices(desk.token, billing.ListInvoicesRequest(page_size=_LATEST))
    for invoice in listed.invoices:
        if invoice.last_attempt_id == attempt.id and invoice.status == billing.INVOICE_STATUS_PAID:
            credit = outcome.amount.minor_units - invoice.total.minor_units
            return replace(outcome, regained=invoice, credit=Money(max(credit, 0)))
    # When it was learnt, not when it was paid: the provider tells the minute.
    is_fresh = attempt.HasField("checked_at") and desk.now - timestamp_from_wire(attempt.checked_at) < _SEARCH
    return outcome if is_fresh else replace(outcome, credit=outcome.amount)


def can_open(attempt: pb.Payment, desk: Desk) -> bool:
    """The same page of the provider cannot take the money twice: going back to it is safe while it opens."""
    if attempt.status not in OPEN_STATUSES or not attempt.payment_url or attempt.is_provider_unreachable:
        return False
    return attempt.HasField("expires_at") and timestamp_from_wire(attempt.expires_at) > desk.now


def _state(attempt: pb.Payment, invoice: billing.Invoice) -> str:
    is_reversed = attempt.status == pb.PAYMENT_STATUS_REVERSED and invoice.last_attempt_id == attempt.id
    # Another attempt may have paid it; what this one brought in is gone.
    if invoice.status == billing.INVOICE_STATUS_PAID and not is_reversed:
        return "confirmed" if invoice.reservations_confirmed else "confirming"
    if attempt.status in _FAILED:
        return _FAILED[attempt.status]
    if attempt.status == pb.PAYMENT_STATUS_PAID and invoice.status == billing.INVOICE_STATUS_CANCELLED:
        return "late"
    return "checking"
