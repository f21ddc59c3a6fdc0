"""The small town's basket, invoices and payments behind the contracts of billing and of payment."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing
from preau.billing.v1.billing_service_pb2_grpc import BillingServiceServicer
from preau.payment.v1 import payment_service_pb2 as payment
from preau_chassis.wire import date_from_wire
from preau_kernel.errors import NotFoundError, PreconditionError

from tests.e2e.pages.small_town import (
    CONFIRMED,
    FIRST_NAMES,
    NAME,
    PRICE,
    SmallTown,
    euros,
)
from tests.fixtures.fake_services import FakePayment
from tests.fixtures.fake_world import refuse


class TownBilling(BillingServiceServicer):
    def __init__(self, town: SmallTown) -> None:
        self._town = town

    async def GetBasket(self, request: Any, context: Any) -> Any:
        await self._town.enter("GetBasket", request, context)
        rows = self._town.pending()
        shown = [row for row in rows if self._passes(row, request)]
        size = request.page_size or 50
        start = int(request.page_token) if request.page_token else (max(1, request.page_number) - 1) * size
        lines = [
            billing.ChargeLine(
                id=f"l-{row.id}", reservation_id=row.id, child_id=row.child_id, activity_id=row.activity_id, day=row.day,
                activity_name=NAME[row.activity_id], price=euros(PRICE[row.activity_id]), status=billing.CHARGE_LINE_STATUS_PENDING,
            )
            for row in shown[start : start + size]
        ]  # fmt: skip
        answer = billing.GetBasketResponse(
            total=euros(sum(PRICE[row.activity_id] for row in rows)), count=len(rows), lines=lines, filtered_count=len(shown),
            next_page_token=str(start + size) if start + size < len(shown) else "",
        )  # fmt: skip
        if rows:
            answer.hold_expires_at.FromDatetime(self._town.hold_end)
        return answer

    @staticmethod
    def _passes(row: agenda.Reservation, request: Any) -> bool:
        day = date_from_wire(row.day)
        first = getattr(request, "from")
        return (
            (not request.child_ids or row.child_id in request.child_ids)
            and (not request.activity_ids or row.activity_id in request.activity_ids)
            and (not first.year or day >= date_from_wire(first))
            and (not request.to.year or day <= date_from_wire(request.to))
        )

    async def QuoteReservations(self, request: Any, context: Any) -> Any:
        total = sum(PRICE[row.activity_id] * len(row.days) for row in request.rows)
        return billing.QuoteReservationsResponse(total=euros(total))

    async def ListPrices(self, request: Any, context: Any) -> Any:
        return billing.ListPricesResponse(
            prices=[billing.ActivityPrice(activity_id=key, price=euros(price)) for key, price in PRICE.items()]
        )

    async def IssueInvoice(self, request: Any, context: Any) -> Any:
        await self._town.enter("IssueInvoice", request, context)
        if known := await self._town.replay("IssueInvoice", request, context):
            return known
        rows = self._town.pending()
        due = sum(PRICE[row.activity_id] for row in rows)
        if not rows:
            await refuse(context, PreconditionError("BASKET_EMPTY"))
        if request.expected_total.minor_units != due:
            expected = str(request.expected_total.minor_units)
            await refuse(context, PreconditionError("BASKET_CHANGED", expected_minor=expected, actual_minor=str(due)))
        number = len(self._town.invoices) + 1
        lines = [
            billing.InvoiceLine(
                id=row.id, reservation_id=row.id, child_id=row.child_id, child_name=f"{FIRST_NAMES[row.child_id]} Démo",
                activity_id=row.activity_id, activity_name=NAME[row.activity_id], day=row.day, price=euros(PRICE[row.activity_id]),
                computation="Tarif commune du 01/09/2025",
            )
            for row in rows
        ]  # fmt: skip
        invoice = billing.Invoice(
            id=f"invoice-{number}", number=f"CP-2025-{number:06}", kind=billing.DOCUMENT_KIND_INVOICE, status=billing.INVOICE_STATUS_ISSUED,
            total=euros(due), lines=lines, line_count=len(lines), payer_name="Camille Démo",
        )  # fmt: skip
        invoice.issued_at.FromDatetime(self._town.now)
        invoice.payable_until.FromDatetime(self._town.hold_end)
        self._town.unpaid |= {row.id for row in rows}
        self._town.invoices[invoice.id] = invoice
        return self._town.keep("IssueInvoice", request, billing.IssueInvoiceResponse(invoice=invoice))

    async def StartPayment(self, request: Any, context: Any) -> Any:
        await self._town.enter("StartPayment", request, context)
        if known := await self._town.replay("StartPayment", request, context):
            return known
        invoice = self._town.invoices[request.invoice_id]
        attempt = f"attempt-{len(self._town.attempts) + 1}"
        url = request.return_url.replace("{attempt_id}", attempt)
        self._town.attempts[attempt] = payment.Payment(
            id=attempt,
            invoice_id=invoice.id,
            amount=invoice.total,
            status=payment.PAYMENT_STATUS_REDIRECTED,
            payment_url=url,
        )
        self._town.attempts[attempt].expires_at.FromDatetime(self._town.now + timedelta(minutes=15))
        invoice.last_attempt_id = attempt
        return self._town.keep(
            "StartPayment", request, billing.StartPaymentResponse(attempt_id=attempt, payment_url=url)
        )

    async def ReopenInvoice(self, request: Any, context: Any) -> Any:
        await self._town.enter("ReopenInvoice", request, context)
        invoice = self._town.invoices[request.invoice_id]
        invoice.status = billing.INVOICE_STATUS_CANCELLED
        self._town.unpaid -= {line.reservation_id for line in invoice.lines}
        note = billing.Invoice(
            id="note-1", number="CP-2025-000099", kind=billing.DOCUMENT_KIND_CREDIT_NOTE, related_id=invoice.id
        )
        return billing.ReopenInvoiceResponse(credit_note=note)

    async def GetInvoice(self, request: Any, context: Any) -> Any:
        if request.id not in self._town.invoices:
            await refuse(context, NotFoundError("INVOICE_NOT_FOUND"))
        return billing.GetInvoiceResponse(invoice=self._town.invoices[request.id])

    async def ListInvoices(self, request: Any, context: Any) -> Any:
        return billing.ListInvoicesResponse(invoices=list(self._town.invoices.values())[::-1])

    async def GetFamilyAccount(self, request: Any, context: Any) -> Any:
        return billing.GetFamilyAccountResponse(credit=euros(0))

    async def GetInvoicePdf(self, request: Any, context: Any) -> Any:
        return billing.GetInvoicePdfResponse(pdf=b"%PDF-1.7", file_name="CP-2025-000001.pdf")

    async def GetReceiptPdf(self, request: Any, context: Any) -> Any:
        return billing.GetReceiptPdfResponse(pdf=b"%PDF-1.7", file_name="Q-2025-000001.pdf")


class TownPayment(FakePayment):
    _world: SmallTown

    async def RefreshPayment(self, request: Any, context: Any) -> Any:
        await self._world.enter("RefreshPayment", request, context)
        found = self._world.attempts[request.id]
        found.status = self._world.outcome  # type: ignore[assignment]
        found.checked_at.FromDatetime(self._world.now)
        invoice = self._world.invoices[found.invoice_id]
        if found.status == payment.PAYMENT_STATUS_PAID:
            invoice.status = billing.INVOICE_STATUS_PAID
            invoice.receipt_number = "Q-2025-000001"
            invoice.paid_at.FromDatetime(self._world.now)
            invoice.reservations_confirmed = True
            for line in invoice.lines:
                self._world.rows[line.reservation_id].status = CONFIRMED
        return payment.RefreshPaymentResponse(payment=found)
