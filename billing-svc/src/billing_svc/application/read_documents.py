"""Documents for who may see them: the household's own, or any of the town for its staff."""

from __future__ import annotations

from preau_kernel.context import Context
from preau_kernel.errors import DomainError, ErrorKind

from billing_svc.application.ports import DocumentRenderer, InvoiceDesk, PaymentGateway
from billing_svc.application.record_counter_payment import TILL_ROLES
from billing_svc.application.start_payment import MINIMUM_MINOR
from billing_svc.domain.documents import Document, DocumentKind
from billing_svc.domain.errors import InvoiceNotFoundError, NotPaidError
from billing_svc.domain.states import InvoiceState


def visible_household(context: Context) -> str | None:
    """The caller's household, or None for staff, who see the whole town's."""
    if not context.household_id and not context.roles.isdisjoint(TILL_ROLES):
        return None
    return context.require_household()


async def get_document(document_id: str, context: Context, desk: InvoiceDesk) -> Document:
    """An invoice or a credit note with its lines."""
    document = await desk.document(context, document_id, visible_household(context))
    if document is None:
        raise InvoiceNotFoundError
    return document


async def get_document_pdf(
    document_id: str,
    context: Context,
    token: str,
    desk: InvoiceDesk,
    gateway: PaymentGateway,
    renderer: DocumentRenderer,
) -> tuple[bytes, str]:
    """The document as PDF, and a name for the file."""
    document = await get_document(document_id, context, desk)
    is_invoice = document.kind is DocumentKind.INVOICE
    is_due = is_invoice and document.status is InvoiceState.ISSUED
    pdf = await renderer.document(
        document, is_payable_online=is_due and await _is_payable_online(document, token, gateway)
    )
    return pdf, f"{'facture' if is_invoice else 'avoir'}-{document.number}.pdf"


async def _is_payable_online(document: Document, token: str, gateway: PaymentGateway) -> bool:
    if document.total_minor < MINIMUM_MINOR:
        return False
    try:
        return await gateway.is_open(token)
    except DomainError as error:
        if error.kind not in {ErrorKind.UNAVAILABLE, ErrorKind.TIMEOUT}:
            raise
        return True


async def get_receipt_pdf(
    invoice_id: str, context: Context, desk: InvoiceDesk, renderer: DocumentRenderer
) -> tuple[bytes, str]:
    """The receipt of a paid invoice as PDF, and a name for the file."""
    document = await get_document(invoice_id, context, desk)
    if document.kind is not DocumentKind.INVOICE or document.status is not InvoiceState.PAID:
        raise NotPaidError(invoice_id)
    return await renderer.receipt(document), f"quittance-{document.receipt_number}.pdf"
