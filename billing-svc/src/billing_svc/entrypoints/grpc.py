"""The contract of preau.billing.v1, one method a use case."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from google.protobuf.message import Message
from preau.billing.v1 import billing_service_pb2 as pb
from preau.billing.v1 import billing_service_pb2_grpc as rpc
from preau_chassis.idempotency import IdempotencyKey
from preau_chassis.pagination import PageTokens, page_size
from preau_chassis.server import current_context, current_token
from preau_chassis.wire import date_from_wire, parse_uuid
from preau_kernel.clock import Clock
from preau_kernel.errors import InvalidError
from preau_kernel.ids import IdFactory

from billing_svc.application.get_basket import get_basket
from billing_svc.application.issue_invoice import IssueInvoice, IssuePorts, issue_invoice
from billing_svc.application.ports import (
    BooksFactory,
    DocumentRenderer,
    HouseholdDirectory,
    InvoiceDesk,
    PaymentGateway,
    RequestKey,
    RevisionBoard,
)
from billing_svc.application.queries import BasketFilter, BasketPage, QuoteRow, Reads
from billing_svc.application.quote_reservations import list_prices, quote_once, quote_reservations
from billing_svc.application.read_documents import (
    get_document,
    get_document_pdf,
    get_receipt_pdf,
)
from billing_svc.application.record_counter_payment import (
    TILL_ROLES,
    RecordCounterPayment,
    record_counter_payment,
)
from billing_svc.application.reopen_invoice import ReopenInvoice, ReopenPorts, reopen_invoice
from billing_svc.application.start_payment import StartPayment, StartPorts, start_payment
from billing_svc.application.upsert_settings import upsert_tariff, upsert_till
from billing_svc.domain.tariffs import Tariff
from billing_svc.entrypoints.mapping import (
    MEANS,
    alert_message,
    basket_message,
    cents,
    cents_from,
    instant,
    invoice_message,
)

_MAX_PAGE_NUMBER = 1_000_000


@dataclass(frozen=True, slots=True)
class BillingPorts:
    """All that the use cases stand on."""

    books: BooksFactory
    desk: InvoiceDesk
    reads: Reads
    directory: HouseholdDirectory
    gateway: PaymentGateway
    board: RevisionBoard
    renderer: DocumentRenderer
    clock: Clock
    ids: IdFactory
    page_tokens: PageTokens


class BillingServicer(rpc.BillingServiceServicer):
    """Reads the request, runs the use case, writes the answer."""

    def __init__(self, ports: BillingPorts) -> None:
        self._ports = ports

    async def GetBasket(self, request: pb.GetBasketRequest, _context: Any) -> pb.GetBasketResponse:
        caller = current_context()
        size = page_size(request.page_size)
        wanted = BasketFilter(
            child_ids=[_id(child_id, "child_ids") for child_id in request.child_ids],
            activity_ids=[_id(activity_id, "activity_ids") for activity_id in request.activity_ids],
            start=_day(request, "from"),
            end=_day(request, "to"),
        )
        scope = f"basket/{caller.tenant_id}/{caller.household_id}/{size}/{wanted}"
        keyset = self._ports.page_tokens.read(scope, request.page_token)
        number = int(keyset[0] or 1) if keyset else max(request.page_number, 1)
        if number > _MAX_PAGE_NUMBER or request.page_number < 0:
            raise InvalidError("INVALID_PAGE_NUMBER", "page_number")
        page = BasketPage("", request.min_revision, size, (number - 1) * size, wanted)
        basket = await get_basket(page, caller, self._ports.reads, self._ports.board)
        has_more = number * size < basket.filtered_count
        return basket_message(basket, self._ports.page_tokens.sign(scope, [number + 1]) if has_more else "")

    async def QuoteReservations(
        self, request: pb.QuoteReservationsRequest, _context: Any
    ) -> pb.QuoteReservationsResponse:
        rows = [
            QuoteRow(_id(row.activity_id, "activity_id"), [date_from_wire(day, "days") for day in row.days])
            for row in request.rows
        ]
        caller, ports = current_context(), self._ports
        if request.request_id:
            key = _key("QuoteReservations", request.request_id, request)
            totals = await quote_once(key, rows, caller, ports.reads, ports.books)
        else:
            totals = await quote_reservations(rows, caller, ports.reads)
        return pb.QuoteReservationsResponse(total=cents(sum(totals)), row_totals=[cents(total) for total in totals])

    async def ListPrices(self, request: pb.ListPricesRequest, _context: Any) -> pb.ListPricesResponse:
        now = self._ports.clock.now()
        prices = await list_prices(_day(request, "day"), current_context(), self._ports.reads, now)
        return pb.ListPricesResponse(
            prices=[pb.ActivityPrice(activity_id=activity_id, price=cents(price)) for activity_id, price in prices]
        )

    async def IssueInvoice(self, request: pb.IssueInvoiceRequest, _context: Any) -> pb.IssueInvoiceResponse:
        ports = self._ports
        command = IssueInvoice(
            request=_key("IssueInvoice", request.request_id, request),
            min_revision=request.min_revision,
            expected_minor=cents_from(request.expected_total, "expected_total"),
            token=current_token(),
            pays_online=request.pays_online,
        )
        issue_ports = IssuePorts(
            desk=ports.desk,
            directory=ports.directory,
            board=ports.board,
            reads=ports.reads,
            gateway=ports.gateway,
            books=ports.books,
            clock=ports.clock,
            ids=ports.ids,
        )
        document = await issue_invoice(command, current_context(), issue_ports)
        return pb.IssueInvoiceResponse(invoice=invoice_message(document))

    async def StartPayment(self, request: pb.StartPaymentRequest, _context: Any) -> pb.StartPaymentResponse:
        ports = self._ports
        command = StartPayment(
            request_id=_id(request.request_id, "request_id"),
            invoice_id=_id(request.invoice_id, "invoice_id"),
            return_url=request.return_url,
            notify_url=request.notify_url,
            token=current_token(),
        )
        start_ports = StartPorts(ports.books, ports.directory, ports.gateway, ports.clock)
        payment = await start_payment(command, current_context(), start_ports)
        return pb.StartPaymentResponse(
            attempt_id=payment.attempt_id, payment_url=payment.payment_url, expires_at=instant(payment.expires_at)
        )

    async def ReopenInvoice(self, request: pb.ReopenInvoiceRequest, _context: Any) -> pb.ReopenInvoiceResponse:
        ports = self._ports
        caller = current_context()
        command = ReopenInvoice(
            request=_key("ReopenInvoice", request.request_id, request),
            invoice_id=_id(request.invoice_id, "invoice_id"),
            token=current_token(),
        )
        reopen_ports = ReopenPorts(ports.books, ports.gateway, ports.clock, ports.ids)
        note_id = await reopen_invoice(command, caller, reopen_ports)
        note = await get_document(note_id, caller, ports.desk)
        return pb.ReopenInvoiceResponse(credit_note=invoice_message(note))

    async def GetInvoice(self, request: pb.GetInvoiceRequest, _context: Any) -> pb.GetInvoiceResponse:
        document = await get_document(_id(request.id, "id"), current_context(), self._ports.desk)
        return pb.GetInvoiceResponse(invoice=invoice_message(document))

    async def ListInvoices(self, request: pb.ListInvoicesRequest, _context: Any) -> pb.ListInvoicesResponse:
        caller = current_context()
        household_id = caller.require_household()
        size = page_size(request.page_size)
        scope = f"invoices/{caller.tenant_id}/{household_id}"
        keyset = self._ports.page_tokens.read(scope, request.page_token)
        before = None if keyset is None else int(keyset[0] or 0)
        found = await self._ports.reads.documents(caller, household_id, before, size + 1)
        token = self._ports.page_tokens.sign(scope, [found[size - 1].key]) if len(found) > size else ""
        invoices = [invoice_message(listed.document) for listed in found[:size]]
        return pb.ListInvoicesResponse(invoices=invoices, next_page_token=token)

    async def GetInvoicePdf(self, request: pb.GetInvoicePdfRequest, _context: Any) -> pb.GetInvoicePdfResponse:
        ports = self._ports
        pdf, name = await get_document_pdf(
            _id(request.id, "id"), current_context(), current_token(), ports.desk, ports.gateway, ports.renderer
        )
        return pb.GetInvoicePdfResponse(pdf=pdf, file_name=name)

    async def GetReceiptPdf(self, request: pb.GetReceiptPdfRequest, _context: Any) -> pb.GetReceiptPdfResponse:
        ports = self._ports
        invoice_id = _id(request.invoice_id, "invoice_id")
        pdf, name = await get_receipt_pdf(invoice_id, current_context(), ports.desk, ports.renderer)
        return pb.GetReceiptPdfResponse(pdf=pdf, file_name=name)

    async def GetFamilyAccount(
        self, _request: pb.GetFamilyAccountRequest, _context: Any
    ) -> pb.GetFamilyAccountResponse:
        caller = current_context()
        credit = await self._ports.reads.family_credit(caller, caller.require_household())
        return pb.GetFamilyAccountResponse(credit=cents(credit))

    async def RecordCounterPayment(
        self, request: pb.RecordCounterPaymentRequest, _context: Any
    ) -> pb.RecordCounterPaymentResponse:
        ports = self._ports
        caller = current_context()
        if request.means not in MEANS:
            raise InvalidError("INVALID_MEANS", "means")
        command = RecordCounterPayment(
            request=_key("RecordCounterPayment", request.request_id, request),
            invoice_id=_id(request.invoice_id, "invoice_id"),
            means=MEANS[request.means],
            amount_minor=cents_from(request.amount, "amount"),
        )
        document = await record_counter_payment(command, caller, ports.books, ports.desk, ports.clock, ports.ids)
        return pb.RecordCounterPaymentResponse(invoice=invoice_message(document))

    async def ListAlerts(self, _request: pb.ListAlertsRequest, _context: Any) -> pb.ListAlertsResponse:
        caller = current_context()
        caller.require_role(*TILL_ROLES)
        alerts = await self._ports.reads.alerts(caller)
        return pb.ListAlertsResponse(alerts=[alert_message(alert) for alert in alerts])

    async def CheckLedger(self, _request: pb.CheckLedgerRequest, _context: Any) -> pb.CheckLedgerResponse:
        caller = current_context()
        caller.require_role(*TILL_ROLES)
        sums = await self._ports.reads.accounts(caller)
        return pb.CheckLedgerResponse(
            debits=cents(sum(one.debit_minor for one in sums)),
            credits=cents(sum(one.credit_minor for one in sums)),
            accounts=[
                pb.AccountBalance(account=one.account, balance=cents(one.debit_minor - one.credit_minor))
                for one in sums
            ],
        )

    async def UpsertTariff(self, request: pb.UpsertTariffRequest, _context: Any) -> pb.UpsertTariffResponse:
        tariff = Tariff(
            id=str(self._ports.ids.new()),
            valid_from=date_from_wire(request.valid_from, "valid_from"),
            valid_to=_day(request, "valid_to"),
            resident_minor=cents_from(request.resident_price, "resident_price"),
            non_resident_minor=cents_from(request.non_resident_price, "non_resident_price"),
        )
        activity_id = _id(request.activity_id, "activity_id")
        return pb.UpsertTariffResponse(
            id=await upsert_tariff(activity_id, tariff, current_context(), self._ports.books)
        )

    async def UpsertTill(self, request: pb.UpsertTillRequest, _context: Any) -> pb.UpsertTillResponse:
        till_id = await upsert_till(
            request.code,
            request.name,
            request.siret,
            request.vat_mention,
            current_context(),
            self._ports.books,
            self._ports.ids,
        )
        return pb.UpsertTillResponse(id=till_id)


def _id(text: str, field: str) -> str:
    return str(parse_uuid(text, field))


def _key(method: str, request_id: str, request: Message) -> RequestKey:
    key = IdempotencyKey.of(method, request_id, request)
    return RequestKey(method, str(key.request_id), key.request_hash)


def _day(request: Message, field: str) -> date | None:
    if not request.HasField(field):
        return None
    day: Any = getattr(request, field)
    return date_from_wire(day, field)
