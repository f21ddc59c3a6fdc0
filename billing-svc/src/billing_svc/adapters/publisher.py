"""From what happened here to what the others are told."""

from __future__ import annotations

from google.protobuf.message import Message
from preau.billing.v1 import billing_events_pb2 as pb
from preau_chassis.wire import money_to_wire, timestamp_to_wire
from preau_kernel.money import Money

from billing_svc.domain.events import (
    BillingEvent,
    FamilyAccountCredited,
    InvoiceCancelled,
    InvoiceIssued,
    InvoiceSettled,
)


def to_message(event: BillingEvent) -> Message:
    """The integration event that says the same."""
    match event:
        case InvoiceIssued():
            return pb.InvoiceIssued(
                invoice_id=event.invoice_id,
                number=event.number,
                household_id=event.household_id,
                total=money_to_wire(Money(event.total_minor)),
                issued_at=timestamp_to_wire(event.issued_at),
            )
        case InvoiceSettled():
            return pb.InvoiceSettled(
                invoice_id=event.invoice_id,
                household_id=event.household_id,
                reservation_ids=event.reservation_ids,
                settled_at=timestamp_to_wire(event.settled_at),
                is_late=event.is_late,
                paid_known_at=None if event.paid_known_at is None else timestamp_to_wire(event.paid_known_at),
            )
        case InvoiceCancelled():
            return pb.InvoiceCancelled(
                invoice_id=event.invoice_id,
                credit_note_id=event.credit_note_id,
                household_id=event.household_id,
                is_reopened=event.is_reopened,
            )
        case FamilyAccountCredited():
            return pb.FamilyAccountCredited(
                household_id=event.household_id, amount=money_to_wire(Money(event.amount_minor)), reason=event.reason
            )
