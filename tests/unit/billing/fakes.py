"""The ports in memory. One household's books, copied at the start of a transaction and kept at its commit."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from billing_svc.application.issue_invoice import IssuePorts
from billing_svc.application.ports import IssueAnswer, IssueOrder, PaymentRequest, RequestKey
from billing_svc.application.queries import Basket, BasketPage
from billing_svc.application.records import (
    AlertRecord,
    AttemptRecord,
    BasketEntry,
    BasketLines,
    HouseholdNames,
    HouseholdRecord,
    InvoiceRecord,
    NewDocument,
    NewPayment,
    ProviderPayment,
    TownRecord,
)
from billing_svc.domain import ledger
from billing_svc.domain.documents import ActivityKind, Document, DocumentKind, DocumentLine, Issuer
from billing_svc.domain.errors import KeyReusedError
from billing_svc.domain.events import BillingEvent, InvoiceIssued
from billing_svc.domain.ledger import Movement
from billing_svc.domain.numbering import Series, format_number, year_on
from billing_svc.domain.states import LIVE_LINE_STATES, AttemptState, InvoiceState, LineState
from billing_svc.domain.tariffs import Tariff, TariffPlan
from billing_svc.domain.withdrawal import Line
from preau_kernel.clock import Clock, FixedClock
from preau_kernel.context import Context
from preau_kernel.errors import UnavailableError
from preau_kernel.ids import TenantId, TenantSlug

NOW = datetime(2025, 8, 20, 13, 0, tzinfo=UTC)
HELD_UNTIL = NOW.replace(hour=14)
HOUSEHOLD = "00000000-0000-7000-8000-000000000001"
ISSUER = Issuer("Case-Pilote", "America/Martinique", "Service scolaire", "", "", "", "CP", "Régie", "", "")
TOWN = TownRecord("casepilote", "Case-Pilote", "America/Martinique", 60, False, "", "", "", "", 1)
PARENT = Context(TenantId(1), TenantSlug("casepilote"), "parent", frozenset({"guardian"}), HOUSEHOLD)
SYSTEM = Context.system(TenantId(1), TenantSlug("casepilote"))
PRICE = 75


class CountingIds:
    """Readable, never the same."""

    def __init__(self) -> None:
        self.last = 0

    def new(self) -> UUID:
        self.last += 1
        return UUID(int=self.last)


@dataclass
class State:
    """Everything that a transaction may change."""

    paid_by: dict[str, str] = field(default_factory=dict)
    household: HouseholdRecord = field(default_factory=lambda: HouseholdRecord(1, HOUSEHOLD, 0))
    hold_ends: datetime = NOW + timedelta(hours=1)
    lines: dict[int, Line] = field(default_factory=dict)
    invoices: dict[str, InvoiceRecord] = field(default_factory=dict)
    documents: dict[str, NewDocument] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    paid: dict[str, tuple[str, str]] = field(default_factory=dict)
    counters: dict[tuple[str, int], int] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    payments: list[NewPayment] = field(default_factory=list)
    allocations: list[tuple[str, str, int]] = field(default_factory=list)
    alerts: list[AlertRecord] = field(default_factory=list)
    attempts: list[AttemptRecord] = field(default_factory=list)
    replies: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    events: list[BillingEvent] = field(default_factory=list)
    tariffs: dict[str, list[Tariff]] = field(default_factory=dict)
    tills: dict[str, str] = field(default_factory=dict)


class FakeBooks:
    """``Books`` on a ``State``."""

    def __init__(self, state: State, request: RequestKey | None = None) -> None:
        self.state = state
        self.is_committed = False
        self._request = request
        self.replayed: str | None = None
        if request is not None and request.request_id in state.replies:
            fingerprint, result = state.replies[request.request_id]
            if fingerprint != request.fingerprint:
                raise KeyReusedError
            self.replayed = result

    def publish(self, event: BillingEvent) -> None:
        self.state.events.append(event)

    async def commit(self, result: str = "") -> None:
        if self._request is not None:
            self.state.replies[self._request.request_id] = (self._request.fingerprint, result)
        self.is_committed = True

    async def lock_household(self, household_id: str) -> HouseholdRecord | None:
        return self.state.household if household_id == HOUSEHOLD else None

    async def lock_household_of(self, invoice_id: str) -> bool:
        return invoice_id in self.state.invoices

    async def advance(self, household: HouseholdRecord, revision: int) -> None:
        self.state.household = replace(household, revision=revision)

    async def renew_hold(self, household: HouseholdRecord, hold_expires_at: datetime) -> None:
        self.state.hold_ends = hold_expires_at
        for invoice in self.state.invoices.values():
            if invoice.status is InvoiceState.ISSUED:
                self.state.invoices[invoice.id] = replace(invoice, payable_until=hold_expires_at)

    async def hold(self, household_id: str, revision: int, hold_expires_at: datetime, lines: BasketLines) -> str:
        if household_id != HOUSEHOLD:
            return "HOUSEHOLD_UNKNOWN"
        if revision != self.state.household.revision + 1:
            return "SEEN" if revision <= self.state.household.revision else "GAP"
        for reservation_id in lines.reservation_ids:
            self._add_line(reservation_id, LineState.PENDING, PRICE)
        self.state.household = replace(self.state.household, revision=revision)
        self.state.hold_ends = hold_expires_at
        return "APPLIED"

    async def hold_all(self, entries: Sequence[BasketEntry]) -> str:
        for entry in entries:
            answer = await self.hold(entry.household_id, entry.revision, entry.hold_expires_at, entry.lines)
            if answer != "APPLIED":
                return answer
        return "APPLIED"

    async def live_lines(self, household: HouseholdRecord, reservation_ids: Sequence[int]) -> list[Line]:
        return [
            line
            for line in self.state.lines.values()
            if line.reservation_id in set(reservation_ids) and line.state in LIVE_LINE_STATES
        ]

    async def lines_of_invoice(self, invoice_id: str) -> list[Line]:
        return [line for line in self.state.lines.values() if line.invoice_id == invoice_id]

    async def unpaid(self, reservation_ids: Sequence[int]) -> list[int]:
        latest = {line.reservation_id: line for line in self.state.lines.values()}
        return sorted(
            reservation_id
            for reservation_id in set(reservation_ids)
            if latest[reservation_id].state in {LineState.PENDING, LineState.INVOICED, LineState.LAPSED}
        )

    async def set_lines(self, line_ids: Iterable[int], state: LineState) -> None:
        for line_id in line_ids:
            line = self.state.lines[line_id]
            invoice_id = "" if state is LineState.PENDING else line.invoice_id
            self.state.lines[line_id] = replace(line, state=state, invoice_id=invoice_id)

    async def add_settled_lines(self, household: HouseholdRecord, invoice_id: str, like: Sequence[int]) -> list[int]:
        return [
            self._add_line(
                self.state.lines[old].reservation_id, LineState.SETTLED, self.state.lines[old].price_minor, invoice_id
            )
            for old in like
        ]

    def _add_line(self, reservation_id: int, state: LineState, price: int, invoice_id: str = "") -> int:
        if any(
            line.reservation_id == reservation_id and line.state in LIVE_LINE_STATES
            for line in self.state.lines.values()
        ):
            message = f"reservation {reservation_id} has a live line"
            raise AssertionError(message)
        line_id = len(self.state.lines) + 1
        self.state.lines[line_id] = Line(line_id, reservation_id, state, price, invoice_id)
        return line_id

    async def invoice(self, invoice_id: str) -> InvoiceRecord | None:
        return self.state.invoices.get(invoice_id)

    async def document_lines(self, invoice_id: str) -> list[DocumentLine]:
        return list(self.state.documents[invoice_id].lines)

    async def add_document(self, document: NewDocument) -> str:
        series = Series.INVOICE if document.kind is DocumentKind.INVOICE else Series.CREDIT_NOTE
        number = await self.next_number(document.issuer.till_code, series, document.year)
        self.state.documents[document.id] = document
        self.state.numbers[document.id] = number
        if document.kind is DocumentKind.INVOICE:
            self.state.invoices[document.id] = InvoiceRecord(
                document.id,
                number,
                document.household_key,
                HOUSEHOLD,
                document.total_minor,
                document.issued_at,
                InvoiceState.ISSUED,
                self.state.hold_ends,
                False,
                "",
                document.payer_name,
                document.payer_address,
                document.issuer,
            )
        return number

    async def mark_paid(self, invoice_id: str, means: str, paid_at: datetime, receipt_number: str) -> None:
        self._change(invoice_id, status=InvoiceState.PAID)
        self.state.paid[invoice_id] = (means, receipt_number)

    async def mark_cancelled(self, invoice_id: str, credit_note_id: str) -> None:
        self._change(invoice_id, status=InvoiceState.CANCELLED)

    async def mark_confirmed(self, invoice_id: str) -> None:
        self._change(invoice_id, is_confirmed=True)

    async def set_late_payment(self, invoice_id: str, payment_id: str) -> None:
        self._change(invoice_id, late_payment_id=payment_id)

    async def set_paid_by(self, invoice_id: str, payment_id: str) -> None:
        self.state.paid_by[invoice_id] = payment_id

    def _change(self, invoice_id: str, **changes: object) -> None:
        self.state.invoices[invoice_id] = replace(self.state.invoices[invoice_id], **changes)  # type: ignore[arg-type]

    async def next_number(self, till_code: str, series: Series, year: int) -> str:
        rank = self.state.counters.get((series.value, year), 0) + 1
        self.state.counters[series.value, year] = rank
        return format_number(till_code, series, year, rank)

    async def has_payment_of(self, attempt_id: str) -> bool:
        return any(payment.attempt_id == attempt_id for payment in self.state.payments)

    async def add_payment(self, payment: NewPayment) -> None:
        self.state.payments.append(payment)

    async def allocate(self, payment_id: str, invoice_id: str, amount_minor: int, at: datetime) -> None:
        self.state.allocations.append((payment_id, invoice_id, amount_minor))

    async def post(
        self, movement: Movement, household_key: int, at: datetime, *, document_id: str = "", payment_id: str = ""
    ) -> None:
        self.state.movements.append(movement)

    async def family_credit(self, household_id: str) -> int:
        return -ledger.balances(self.state.movements).get(ledger.FAMILY_CREDIT, 0)

    async def raise_alert(self, alert: AlertRecord) -> None:
        self.state.alerts.append(alert)

    async def attempts(self, invoice_id: str) -> list[AttemptRecord]:
        return [attempt for attempt in self.state.attempts if attempt.invoice_id == invoice_id]

    async def attempt_of_request(self, request_id: str) -> AttemptRecord | None:
        return next((attempt for attempt in self.state.attempts if attempt.request_id == request_id), None)

    async def add_attempt(self, attempt: AttemptRecord, at: datetime) -> None:
        self.state.attempts.append(attempt)

    async def start_attempt(self, request_id: str, payment: ProviderPayment) -> None:
        self.state.attempts = [
            replace(one, attempt_id=payment.attempt_id, payment_url=payment.payment_url, state=AttemptState.STARTED)
            if one.request_id == request_id
            else one
            for one in self.state.attempts
        ]

    async def set_attempt(self, attempt_id: str, state: AttemptState) -> None:
        self.state.attempts = [
            replace(one, state=state) if one.attempt_id == attempt_id else one for one in self.state.attempts
        ]

    async def town(self) -> TownRecord | None:
        return TOWN

    async def put_town(self, town: TownRecord) -> None:
        raise NotImplementedError

    async def put_household(
        self, household_id: str, child_ids: Sequence[str], version: int, *, is_resident: bool
    ) -> None:
        raise NotImplementedError

    async def put_activity(self, activity_id: str, name: str, kind: int, position: int, version: int) -> None:
        raise NotImplementedError

    async def lock_tariffs(self, activity_id: str) -> list[Tariff]:
        return self.state.tariffs.get(activity_id, [])

    async def apply_tariffs(self, activity_id: str, plan: TariffPlan) -> None:
        changed = {tariff.id: tariff for tariff in plan.update}
        kept = [changed.get(tariff.id, tariff) for tariff in self.state.tariffs.get(activity_id, [])]
        self.state.tariffs[activity_id] = [*kept, *([plan.insert] if plan.insert else [])]

    async def put_till(self, till_id: str, code: str, name: str, siret: str, vat_mention: str) -> str:
        return self.state.tills.setdefault(code, till_id)


class World:
    """The books, their factory, and the neighbours, all in memory."""

    def __init__(self) -> None:
        self.state = State()
        self.ids = CountingIds()
        self.created: list[PaymentRequest] = []
        self.provider: dict[str, AttemptState] = {}
        self.is_provider_down = False
        self.has_online_payment = True
        self.email = "parent@example.org"

    @asynccontextmanager
    async def books(self, context: Context, request: RequestKey | None = None) -> AsyncIterator[FakeBooks]:
        books = FakeBooks(copy.deepcopy(self.state), request)
        yield books
        if books.is_committed:
            self.state = books.state

    async def issue(self, context: Context, order: IssueOrder) -> IssueAnswer:
        state = self.state
        pending = [line for line in state.lines.values() if line.state is LineState.PENDING]
        total = sum(line.price_minor for line in pending)
        if order.request.request_id in state.replies:
            fingerprint, result = state.replies[order.request.request_id]
            outcome = "REPLAYED" if fingerprint == order.request.fingerprint else "KEY_REUSED"
            return IssueAnswer(outcome, result, state.household.revision, 0)
        if state.household.revision < order.min_revision:
            return IssueAnswer("BEHIND", "", state.household.revision, 0)
        if not pending or total != order.expected_minor:
            return IssueAnswer("CHANGED" if pending else "EMPTY", "", state.household.revision, total)
        async with self.books(context) as books:
            for line in pending:
                moved = replace(line, state=LineState.INVOICED, invoice_id=order.invoice_id)
                books.state.lines[line.id] = moved
            if total:
                await books.post(ledger.invoice_issued(total), 1, order.issued_at)
            lines = tuple(make_document_line(rank, line) for rank, line in enumerate(pending, 1))
            year = year_on(order.issued_at, ISSUER.time_zone)
            document = NewDocument(
                order.invoice_id,
                DocumentKind.INVOICE,
                1,
                total,
                order.issued_at,
                order.payer_name,
                "",
                ISSUER,
                year,
                lines,
            )
            number = await books.add_document(document)
            books.publish(InvoiceIssued(order.invoice_id, number, HOUSEHOLD, total, order.issued_at))
            books.state.replies[order.request.request_id] = (order.request.fingerprint, order.invoice_id)
            await books.commit()
        return IssueAnswer("ISSUED", order.invoice_id, self.state.household.revision, total)

    async def document(self, context: Context, document_id: str, household_id: str | None) -> Document | None:
        new = self.state.documents.get(document_id)
        if new is None or household_id not in {None, HOUSEHOLD}:
            return None
        invoice = self.state.invoices.get(document_id)
        return Document(
            id=new.id,
            number=self.state.numbers[new.id],
            kind=new.kind,
            household_id=HOUSEHOLD,
            total_minor=new.total_minor,
            issued_at=new.issued_at,
            payer_name=new.payer_name,
            payer_address="",
            issuer=new.issuer,
            line_count=len(new.lines),
            status=invoice.status if invoice else InvoiceState.ISSUED,
            lines=new.lines,
        )

    async def wait(self, context: Context, household_id: str, seconds: float) -> None:
        return

    async def names(self, token: str) -> HouseholdNames:
        return HouseholdNames("Camille Démo", "", self.email)

    async def is_open(self, token: str) -> bool:
        return self.has_online_payment

    async def basket(self, context: Context, page: BasketPage) -> Basket:
        pending = [line for line in self.state.lines.values() if line.state is LineState.PENDING]
        total = sum(line.price_minor for line in pending)
        return Basket(self.state.household.revision, HELD_UNTIL, total, len(pending), len(pending), [])

    async def create(self, token: str, request: PaymentRequest) -> ProviderPayment:
        if self.is_provider_down:
            raise UnavailableError("PROVIDER_UNAVAILABLE")
        self.created.append(request)
        attempt_id = str(UUID(int=10_000 + len(self.created)))
        self.provider[attempt_id] = AttemptState.STARTED
        return ProviderPayment(attempt_id, f"https://provider/{attempt_id}", None)

    async def refresh(self, token: str, attempt_id: str) -> AttemptState:
        return self.provider[attempt_id]


def make_issue_ports(world: World, clock: Clock | None = None) -> IssuePorts:
    return IssuePorts(
        desk=world,
        directory=world,
        board=world,
        reads=world,
        gateway=world,
        books=world.books,
        clock=clock or FixedClock(NOW),
        ids=world.ids,
    )


def make_document_line(rank: int, line: Line) -> DocumentLine:
    return DocumentLine(
        rank,
        line.id,
        line.reservation_id,
        "child",
        "Enfant",
        "activity",
        "Cantine",
        ActivityKind.MEAL,
        date(2025, 9, 1),
        line.price_minor,
        "Tarif commune du 01/09/2025",
    )


def make_lines(reservation_ids: Sequence[int]) -> BasketLines:
    count = len(reservation_ids)
    return BasketLines(reservation_ids, ["child"], ["activity"], [0] * count, [0] * count, [20_000] * count)


def make_key(request_id: str, fingerprint: bytes = b"x", method: str = "M") -> RequestKey:
    return RequestKey(method, request_id, fingerprint)
