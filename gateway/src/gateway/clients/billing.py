"""Calls on billing: what is owed, and what is settled. Each raises ``DomainError``."""

from __future__ import annotations

import grpc.aio
from preau.billing.v1 import billing_service_pb2 as pb
from preau.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from preau_chassis.client import call

from gateway.clients.deadlines import PSP, READ, WRITE


class BillingClient:
    """Billing, as the gateway uses it."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = BillingServiceStub(channel)

    async def get_basket(self, token: str, request: pb.GetBasketRequest) -> pb.GetBasketResponse:
        return await call(self._stub.GetBasket, request, timeout=WRITE, token=token)

    async def quote_reservations(
        self, token: str, request: pb.QuoteReservationsRequest
    ) -> pb.QuoteReservationsResponse:
        return await call(self._stub.QuoteReservations, request, timeout=READ, token=token)

    async def list_prices(self, token: str, request: pb.ListPricesRequest) -> pb.ListPricesResponse:
        return await call(self._stub.ListPrices, request, timeout=READ, token=token)

    async def issue_invoice(self, token: str, request: pb.IssueInvoiceRequest) -> pb.IssueInvoiceResponse:
        return await call(self._stub.IssueInvoice, request, timeout=WRITE, token=token)

    async def start_payment(self, token: str, request: pb.StartPaymentRequest) -> pb.StartPaymentResponse:
        return await call(self._stub.StartPayment, request, timeout=PSP, token=token)

    async def reopen_invoice(self, token: str, request: pb.ReopenInvoiceRequest) -> pb.ReopenInvoiceResponse:
        return await call(self._stub.ReopenInvoice, request, timeout=WRITE, token=token)

    async def get_invoice(self, token: str, request: pb.GetInvoiceRequest) -> pb.GetInvoiceResponse:
        return await call(self._stub.GetInvoice, request, timeout=READ, token=token)

    async def list_invoices(self, token: str, request: pb.ListInvoicesRequest) -> pb.ListInvoicesResponse:
        return await call(self._stub.ListInvoices, request, timeout=READ, token=token)

    async def get_invoice_pdf(self, token: str, request: pb.GetInvoicePdfRequest) -> pb.GetInvoicePdfResponse:
        return await call(self._stub.GetInvoicePdf, request, timeout=WRITE, token=token)

    async def get_receipt_pdf(self, token: str, request: pb.GetReceiptPdfRequest) -> pb.GetReceiptPdfResponse:
        return await call(self._stub.GetReceiptPdf, request, timeout=WRITE, token=token)

    async def get_family_account(self, token: str, request: pb.GetFamilyAccountRequest) -> pb.GetFamilyAccountResponse:
        return await call(self._stub.GetFamilyAccount, request, timeout=READ, token=token)
