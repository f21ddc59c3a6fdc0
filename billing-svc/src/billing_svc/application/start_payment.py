"""Sends the payer to a page where an unpaid invoice can be paid."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from preau_kernel.clock import Clock
from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind

from billing_svc.application.ports import Books, BooksFactory, HouseholdDirectory, PaymentGateway, PaymentRequest
from billing_svc.application.records import AttemptRecord, InvoiceRecord, ProviderPayment
from billing_svc.application.settle_invoice import lock_invoice
from billing_svc.domain.errors import (
    AmountTooSmallError,
    InvoiceNotFoundError,
    InvoiceNotPayableError,
    KeyReusedError,
    PayerEmailMissingError,
    ProviderUnavailableError,
)
from billing_svc.domain.numbering import debt_reference, year_on
from billing_svc.domain.states import AttemptState, InvoiceState

MINIMUM_MINOR = 100
"""Below it the provider refuses; the counter takes it."""

_NAMESPACE = UUID("6f1c4f5e-1d0a-4f43-9a57-2a7a4e1f6f0b")


@dataclass(frozen=True, slots=True)
class StartPayment:
    request_id: str
    invoice_id: str
    return_url: str
    notify_url: str
    token: str


@dataclass(frozen=True, slots=True)
class StartPorts:
    books: BooksFactory
    directory: HouseholdDirectory
    gateway: PaymentGateway
    clock: Clock


async def start_payment(command: StartPayment, context: Context, ports: StartPorts) -> ProviderPayment:
    """A new attempt, recorded before the provider is asked; the same request gives the same attempt."""
    async with ports.books(context) as books:
        invoice, attempt = await _prepare(command, context, books, ports.clock)
        await books.commit()
    if attempt.attempt_id:
        return ProviderPayment(attempt.attempt_id, attempt.payment_url, attempt.expires_at)
    names = await ports.directory.names(command.token)
    if not names.payer_email:
        raise PayerEmailMissingError(invoice.id)
    payment = await _create(command, context, ports, invoice, attempt, names.payer_email)
    async with ports.books(context) as books:
        now_is = await lock_invoice(books, invoice.id)
        await books.start_attempt(command.request_id, payment)
        await books.commit()
    if now_is.status is not InvoiceState.ISSUED:
        # Paid or cancelled while the provider was asked: nobody is sent to pay it. Money that comes all the same is kept.
        raise InvoiceNotPayableError(invoice.id, now_is.status.name)
    return payment


async def _prepare(
    command: StartPayment, context: Context, books: Books, clock: Clock
) -> tuple[InvoiceRecord, AttemptRecord]:
    invoice = await lock_invoice(books, command.invoice_id)
    if invoice.household_id != context.require_household():
        raise InvoiceNotFoundError
    known = await books.attempt_of_request(command.request_id)
    if known is not None:
        if known.invoice_id != invoice.id:
            raise KeyReusedError
        if known.attempt_id:
            return invoice, known
    now = clock.now()
    if invoice.status is not InvoiceState.ISSUED:
        raise InvoiceNotPayableError(invoice.id, invoice.status.name)
    if invoice.payable_until is not None and invoice.payable_until <= now:
        raise InvoiceNotPayableError(invoice.id, "HOLD_EXPIRED")
    if invoice.total_minor < MINIMUM_MINOR:
        raise AmountTooSmallError(invoice.id, MINIMUM_MINOR)
    if known is not None:
        return invoice, known
    rank = len(await books.attempts(invoice.id)) + 1
    attempt = AttemptRecord(command.request_id, invoice.id, rank, AttemptState.STARTING)
    await books.add_attempt(attempt, now)
    return invoice, attempt


async def _create(
    command: StartPayment,
    context: Context,
    ports: StartPorts,
    invoice: InvoiceRecord,
    attempt: AttemptRecord,
    payer_email: str,
) -> ProviderPayment:
    request = PaymentRequest(
        request_id=str(uuid5(_NAMESPACE, f"{context.tenant_id}:{command.request_id}")),
        invoice_id=invoice.id,
        amount_minor=invoice.total_minor,
        debt_reference=debt_reference(invoice.number, attempt.rank),
        description=f"Facture {invoice.number}",
        payer_email=payer_email,
        fiscal_year=year_on(invoice.issued_at, invoice.issuer.time_zone),
        return_url=command.return_url,
        notify_url=command.notify_url,
    )
    try:
        return await ports.gateway.create(command.token, request)
    except DomainError as error:
        if error.kind in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}:
            raise ProviderUnavailableError(invoice.id) from error
        raise
