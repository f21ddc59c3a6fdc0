"""Invoices: issued from the whole basket, paid on the provider's page, never changed."""

from __future__ import annotations

from litestar import Controller, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from preau.billing.v1.billing_service_pb2 import (
    GetInvoicePdfRequest,
    GetInvoiceRequest,
    ListInvoicesRequest,
    ReopenInvoiceRequest,
)

from gateway.api import mapping
from gateway.api.caller import AnyRequest, caller_of
from gateway.api.contract import BEARER, PROBLEMS, IdempotencyKey, PageSize, PageToken, known_id
from gateway.api.schemas import Invoice, Invoices, InvoiceToPay, NewInvoice, StartedPayment
from gateway.auth import require_family
from gateway.checkout import issue, issue_and_start, pay_again
from gateway.security import AnyResponse

PDF = "application/pdf"


class InvoicesController(Controller):
    path = "/invoices"
    guards = (require_family,)
    security = BEARER
    tags = ("Invoices",)

    @post(operation_id="issueInvoice", responses=PROBLEMS)
    async def issue(
        self,
        request: AnyRequest,
        data: JSONBody[NewInvoice],
        idempotency_key: IdempotencyKey = "",
    ) -> InvoiceToPay:
        """« Générer la facture et payer »: keep the places, issue the invoice of the whole basket, open a payment.

        A total below what the provider takes is 409 AMOUNT_TOO_SMALL and nothing is issued: add days, or ask for the
        invoice with ``payment`` "counter". ``payment_url`` is empty when the invoice is not paid online.
        """
        caller = caller_of(request)
        request_id = caller.request_id(idempotency_key)
        total = mapping.wire_money(data.expected_total)
        if data.payment == "online":
            done = await issue_and_start(caller.clients, request, caller.visitor, request_id, total)
        else:
            done = await issue(caller.clients, caller.visitor, request_id, total, pays_online=False)
        return mapping.invoice_to_pay(done.invoice, done.payment)

    @get(operation_id="listInvoices", responses=PROBLEMS)
    async def many(self, request: AnyRequest, page_size: PageSize = 50, page_token: PageToken = "") -> Invoices:
        """The household's invoices and credit notes, latest first."""
        caller = caller_of(request)
        found = await caller.clients.billing.list_invoices(
            caller.token, ListInvoicesRequest(page_size=page_size, page_token=page_token)
        )
        return Invoices([mapping.invoice(each) for each in found.invoices], found.next_page_token)

    @get("/{invoice_id:str}", operation_id="getInvoice", responses=PROBLEMS)
    async def one(self, request: AnyRequest, invoice_id: str) -> Invoice:
        """One invoice or credit note with its lines."""
        caller = caller_of(request)
        found = await caller.clients.billing.get_invoice(caller.token, GetInvoiceRequest(id=known_id(invoice_id)))
        return mapping.invoice(found.invoice)

    @get(
        "/{invoice_id:str}/pdf",
        operation_id="getInvoicePdf",
        media_type=PDF,
        responses={
            **PROBLEMS,
            200: ResponseSpec(
                data_container=bytes, media_type=PDF, generate_examples=False, description="The document"
            ),
        },
    )
    async def pdf(self, request: AnyRequest, invoice_id: str) -> AnyResponse:
        """The same as PDF/UA-1."""
        caller = caller_of(request)
        found = await caller.clients.billing.get_invoice_pdf(
            caller.token, GetInvoicePdfRequest(id=known_id(invoice_id))
        )
        return pdf_response(found.pdf, found.file_name)

    @post("/{invoice_id:str}/payments", operation_id="payAgain", responses=PROBLEMS)
    async def pay_again(
        self,
        request: AnyRequest,
        invoice_id: str,
        idempotency_key: IdempotencyKey = "",
    ) -> StartedPayment:
        """A new attempt to pay an unpaid invoice, after a refusal or an abandon."""
        caller = caller_of(request)
        request_id = caller.request_id(idempotency_key)
        started = await pay_again(caller.clients, request, caller.visitor, request_id, known_id(invoice_id))
        return StartedPayment(started.attempt_id, started.payment_url, mapping.instant(started.expires_at))

    @post("/{invoice_id:str}/reopen", operation_id="reopenInvoice", responses=PROBLEMS)
    async def reopen(
        self,
        request: AnyRequest,
        invoice_id: str,
        idempotency_key: IdempotencyKey = "",
    ) -> Invoice:
        """« Reprendre mes réservations »: cancel an unpaid invoice by a credit note; its lines are in the basket again."""
        caller = caller_of(request)
        reopened = await caller.clients.billing.reopen_invoice(
            caller.token,
            ReopenInvoiceRequest(
                request_id=caller.request_id(idempotency_key),
                invoice_id=known_id(invoice_id),
            ),
        )
        return mapping.invoice(reopened.credit_note)


def pdf_response(content: bytes, file_name: str) -> Response[bytes]:
    """A document to open in the browser, under a plain name."""
    safe = "".join(char for char in file_name if char.isascii() and (char.isalnum() or char in "-_.")) or "document.pdf"
    return Response(content, media_type=PDF, headers={"Content-Disposition": f'inline; filename="{safe}"'})
