"""« Générer la facture et payer »: three calls that make up one act, each of them repeatable."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from preau.agenda.v1.agenda_service_pb2 import RenewHoldsRequest
from preau.billing.v1.billing_service_pb2 import (
    Invoice,
    IssueInvoiceRequest,
    StartPaymentRequest,
    StartPaymentResponse,
)
from preau.common.v1.money_pb2 import Money
from preau_chassis.wire import timestamp_from_wire
from preau_kernel.errors import DomainError

from gateway.idempotency import step_of
from gateway.payments import payment_urls

if TYPE_CHECKING:
    from gateway.auth import Visitor
    from gateway.clients import Clients
    from gateway.security import Connection


@dataclass(frozen=True, slots=True)
class Checkout:
    """An issued invoice and the page on which it is paid; an empty ``payment`` when it is not paid online."""

    invoice: Invoice
    payment: StartPaymentResponse
    revision: int


async def issue(
    clients: Clients, visitor: Visitor, request_id: str, expected_total: Money, *, pays_online: bool
) -> Checkout:
    """Renew the holds and issue the invoice of what they hold, for the counter unless ``pays_online``."""
    renewed = await clients.agenda.renew_holds(
        visitor.token, RenewHoldsRequest(request_id=step_of(request_id, "renew"))
    )
    issued = await clients.billing.issue_invoice(
        visitor.token,
        IssueInvoiceRequest(
            request_id=request_id,
            min_revision=renewed.revision,
            expected_total=expected_total,
            pays_online=pays_online,
        ),
    )
    return Checkout(issued.invoice, StartPaymentResponse(), renewed.revision)


async def issue_and_start(
    clients: Clients, connection: Connection, visitor: Visitor, request_id: str, expected_total: Money
) -> Checkout:
    """Issue the invoice and open a payment for it; none when nothing is due or the town takes no payment online.

    Repeated with the same ``request_id`` each step answers what it answered before, so that a lost answer costs nothing.
    When the provider does not answer, the invoice stands: the error's ``invoice_id`` says where to pay it.
    """
    checkout = await issue(clients, visitor, request_id, expected_total, pays_online=True)
    invoice = checkout.invoice
    if not invoice.total.minor_units:
        return checkout
    try:
        payment = await start_payment(clients, connection, visitor, step_of(request_id, "pay"), invoice.id)
    except DomainError as error:
        if error.reason == "PROVIDER_NOT_CONFIGURED":
            return checkout
        error.metadata.setdefault("invoice_id", invoice.id)
        if invoice.HasField("payable_until"):
            error.metadata.setdefault("payable_until", timestamp_from_wire(invoice.payable_until).isoformat())
        raise
    return replace(checkout, payment=payment)


async def pay_again(
    clients: Clients, connection: Connection, visitor: Visitor, request_id: str, invoice_id: str
) -> StartPaymentResponse:
    """A new attempt on an unpaid invoice, with the whole hold before it: a payer must not run out of time on the way."""
    try:
        await clients.agenda.renew_holds(visitor.token, RenewHoldsRequest(request_id=step_of(request_id, "renew")))
    except DomainError as error:
        # Some places lapsed. If they are this invoice's, it can no longer be paid and billing says so.
        if error.reason != "HOLD_EXPIRED":
            raise
    return await start_payment(clients, connection, visitor, step_of(request_id, "pay"), invoice_id)


async def start_payment(
    clients: Clients, connection: Connection, visitor: Visitor, request_id: str, invoice_id: str
) -> StartPaymentResponse:
    """Open an attempt at the provider for an unpaid invoice."""
    return_url, notify_url = payment_urls(connection)
    return await clients.billing.start_payment(
        visitor.token,
        StartPaymentRequest(request_id=request_id, invoice_id=invoice_id, return_url=return_url, notify_url=notify_url),
    )
