"""Domain events to the messages other services read."""

from __future__ import annotations

from preau.payment.v1 import payment_events_pb2 as wire
from preau_chassis.wire import money_to_wire, timestamp_to_wire

from payment_gateway_svc.domain.events import PaymentEvent, PaymentFailed, PaymentMismatched, PaymentSucceeded

WireEvent = wire.PaymentSucceeded | wire.PaymentFailed | wire.PaymentMismatched


def to_wire(event: PaymentEvent) -> WireEvent:
    """The integration event of ``event``: ids and facts, nothing of a person."""
    match event:
        case PaymentSucceeded():
            return wire.PaymentSucceeded(
                attempt_id=str(event.attempt_id),
                invoice_id=event.invoice_id,
                amount=money_to_wire(event.amount),
                settled_at=timestamp_to_wire(event.settled_at),
                provider=event.provider,
                provider_ref=event.provider_ref,
                is_test=event.is_test,
                known_at=timestamp_to_wire(event.known_at),
            )
        case PaymentFailed():
            return wire.PaymentFailed(
                attempt_id=str(event.attempt_id), invoice_id=event.invoice_id, outcome=event.outcome
            )
        case PaymentMismatched():
            return wire.PaymentMismatched(
                attempt_id=str(event.attempt_id),
                invoice_id=event.invoice_id,
                fields=event.fields,
                expected=money_to_wire(event.expected),
                actual=money_to_wire(event.actual),
            )
