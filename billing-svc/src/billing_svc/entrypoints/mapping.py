"""Between the contract's messages and the application's records."""

from __future__ import annotations

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as pb
from preau.common.v1.money_pb2 import Money as WireMoney
from preau_chassis.wire import date_to_wire, money_from_wire, money_to_wire, timestamp_to_wire
from preau_kernel.errors import InvalidError
from preau_kernel.money import EUR, Money

from billing_svc.application.queries import Basket, BasketLine
from billing_svc.application.records import AlertRecord
from billing_svc.domain.documents import ActivityKind, Document, DocumentKind, DocumentLine
from billing_svc.domain.states import InvoiceState

_STATUS = {
    InvoiceState.ISSUED: pb.INVOICE_STATUS_ISSUED,
    InvoiceState.PAID: pb.INVOICE_STATUS_PAID,
    InvoiceState.CANCELLED: pb.INVOICE_STATUS_CANCELLED,
}
_KIND = {
    DocumentKind.INVOICE: pb.DOCUMENT_KIND_INVOICE,
    DocumentKind.CREDIT_NOTE: pb.DOCUMENT_KIND_CREDIT_NOTE,
}
_ACTIVITY_KIND = {
    ActivityKind.UNSPECIFIED: agenda.ACTIVITY_KIND_UNSPECIFIED,
    ActivityKind.MEAL: agenda.ACTIVITY_KIND_MEAL,
    ActivityKind.CHILDCARE: agenda.ACTIVITY_KIND_CHILDCARE,
    ActivityKind.OTHER: agenda.ACTIVITY_KIND_OTHER,
}
MEANS = {
    pb.COUNTER_MEANS_CASH: "cash",
    pb.COUNTER_MEANS_CHEQUE: "cheque",
    pb.COUNTER_MEANS_CARD_TERMINAL: "card_terminal",
}


def cents(amount_minor: int) -> WireMoney:
    """An amount in the platform's currency."""
    return money_to_wire(Money(amount_minor))


def cents_from(message: WireMoney, field: str) -> int:
    """Minor units of an amount in the platform's currency, or ``INVALID_MONEY``."""
    amount = money_from_wire(message, field)
    if amount.currency != EUR:
        raise InvalidError("INVALID_MONEY", field)
    return amount.minor_units


def instant(value: datetime | None) -> Timestamp | None:
    """An instant that may be absent."""
    return None if value is None else timestamp_to_wire(value)


def invoice_message(document: Document) -> pb.Invoice:
    """A document, with the lines it was read with."""
    return pb.Invoice(
        id=document.id,
        number=document.number,
        kind=_KIND[document.kind],
        status=_STATUS[document.status],
        total=cents(document.total_minor),
        issued_at=timestamp_to_wire(document.issued_at),
        paid_at=instant(document.paid_at),
        lines=[_invoice_line(line) for line in document.lines],
        related_id=document.related_id,
        related_number=document.related_number,
        receipt_number=document.receipt_number,
        reservations_confirmed=document.is_confirmed,
        last_attempt_id=document.last_attempt_id,
        payable_until=instant(document.payable_until),
        payer_name=document.payer_name,
        line_count=document.line_count,
    )


def _invoice_line(line: DocumentLine) -> pb.InvoiceLine:
    return pb.InvoiceLine(
        id=str(line.charge_line_id),
        reservation_id=str(line.reservation_id),
        child_id=line.child_id,
        child_name=line.child_name,
        activity_id=line.activity_id,
        activity_name=line.activity_name,
        kind=_ACTIVITY_KIND[line.kind],
        day=date_to_wire(line.day),
        price=cents(line.price_minor),
        computation=line.computation,
    )


def basket_message(basket: Basket, next_page_token: str) -> pb.GetBasketResponse:
    """One page of a basket."""
    return pb.GetBasketResponse(
        total=cents(basket.total_minor),
        count=basket.count,
        lines=[_charge_line(line) for line in basket.lines],
        next_page_token=next_page_token,
        filtered_count=basket.filtered_count,
        revision=basket.revision,
        hold_expires_at=instant(basket.hold_expires_at),
    )


def _charge_line(line: BasketLine) -> pb.ChargeLine:
    return pb.ChargeLine(
        id=str(line.id),
        reservation_id=str(line.reservation_id),
        child_id=line.child_id,
        activity_id=line.activity_id,
        activity_name=line.activity_name,
        kind=_ACTIVITY_KIND[line.kind],
        day=date_to_wire(line.day),
        price=cents(line.price_minor),
        computation=line.computation,
        status=pb.CHARGE_LINE_STATUS_PENDING,
    )


def alert_message(alert: AlertRecord) -> pb.Alert:
    """A case for a clerk."""
    return pb.Alert(
        id=alert.id,
        reason=alert.reason,
        household_id=alert.household_id,
        invoice_id=alert.invoice_id,
        amount=cents(alert.amount_minor),
        raised_at=timestamp_to_wire(alert.raised_at),
    )
