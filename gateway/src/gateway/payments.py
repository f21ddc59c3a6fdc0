"""Paying: where the provider sends the browser and its notifications, and where a payment stands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from preau.billing.v1.billing_service_pb2 import GetInvoiceRequest, Invoice
from preau.payment.v1.payment_service_pb2 import (
    GetOnlinePaymentRequest,
    GetPaymentRequest,
    Payment,
    PaymentStatus,
    RefreshPaymentRequest,
)
from preau_kernel.errors import DomainError, ErrorKind

from gateway.security import Connection, origin_of

if TYPE_CHECKING:
    from gateway.auth import Visitor
    from gateway.clients import Clients

RETURN_PATH = "/paiement/retour/{attempt_id}"
LEAVE_PATH = "/paiement/vers/{attempt_id}"
NOTIFY_PATH = "/webhooks/payfip"

OPEN_STATUSES = frozenset(
    {
        PaymentStatus.PAYMENT_STATUS_CREATED,
        PaymentStatus.PAYMENT_STATUS_REDIRECTED,
        PaymentStatus.PAYMENT_STATUS_PENDING,
    }
)


def payment_urls(connection: Connection) -> tuple[str, str]:
    """``return_url`` and ``notify_url`` for StartPayment."""
    origin = origin_of(connection)
    return origin + RETURN_PATH, origin + NOTIFY_PATH


@dataclass(frozen=True, slots=True)
class PaymentState:
    """An attempt and the invoice it is for."""

    payment: Payment
    invoice: Invoice

    @property
    def is_open(self) -> bool:
        return self.payment.status in OPEN_STATUSES


async def online_minimum(clients: Clients, visitor: Visitor) -> int | None:
    """The least the visitor can pay online, in cents; nothing where the town takes no payment online.

    Zero when payment cannot say: no page fails for its button.
    """
    try:
        answer = await clients.payment.get_online_payment(visitor.token, GetOnlinePaymentRequest())
    except DomainError:
        return 0
    return answer.minimum.minor_units if answer.is_open else None


async def payment_state(clients: Clients, visitor: Visitor, attempt_id: str, *, ask_provider: bool) -> PaymentState:
    """Where an attempt stands; with ``ask_provider`` an open one is looked up first.

    Payment does not know who owes the money: the invoice decides whether the visitor may see it.
    A provider that does not answer changes nothing: the state as last known is shown.
    """
    answer = await clients.payment.get_payment(visitor.token, GetPaymentRequest(id=attempt_id))
    payment = answer.payment
    invoice_request = GetInvoiceRequest(id=payment.invoice_id)
    first = await clients.billing.get_invoice(visitor.token, invoice_request)
    if not (ask_provider and payment.status in OPEN_STATUSES):
        return PaymentState(payment, first.invoice)
    try:
        refreshed = await clients.payment.refresh_payment(visitor.token, RefreshPaymentRequest(id=attempt_id))
    except DomainError as error:
        if error.kind not in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}:
            raise
        answer, again = await asyncio.gather(
            clients.payment.get_payment(visitor.token, GetPaymentRequest(id=attempt_id)),
            clients.billing.get_invoice(visitor.token, invoice_request),
        )
        return PaymentState(answer.payment, again.invoice)
    again = await clients.billing.get_invoice(visitor.token, invoice_request)
    return PaymentState(refreshed.payment, again.invoice)
