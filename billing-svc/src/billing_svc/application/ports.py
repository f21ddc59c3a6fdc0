"""What the use cases need from outside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from preau_kernel.context import Context

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
from billing_svc.domain.documents import Document, DocumentLine
from billing_svc.domain.events import BillingEvent
from billing_svc.domain.ledger import Movement
from billing_svc.domain.numbering import Series
from billing_svc.domain.states import AttemptState, LineState
from billing_svc.domain.tariffs import Tariff, TariffPlan
from billing_svc.domain.withdrawal import Line


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes a command the same command: its method, its id, and a fingerprint of its body."""

    method: str
    request_id: str
    fingerprint: bytes


class Bookings(Protocol):
    """Charge lines, as the agenda's events move them."""

    async def lock_household(self, household_id: str) -> HouseholdRecord | None:
        """The household, locked until the transaction ends: everything that concerns its money waits its turn."""
        ...

    async def lock_household_of(self, invoice_id: str) -> bool:
        """Lock the household an invoice is of; ``False`` when there is no such invoice."""
        ...

    async def advance(self, household: HouseholdRecord, revision: int) -> None: ...

    async def renew_hold(self, household: HouseholdRecord, hold_expires_at: datetime) -> None:
        """The new end of the hold, for the basket and for unpaid invoices."""
        ...

    async def hold(self, household_id: str, revision: int, hold_expires_at: datetime, lines: BasketLines) -> str:
        """Price and add lines in one statement: ``APPLIED``, ``SEEN``, ``GAP``, or the name of what is missing."""
        ...

    async def hold_all(self, entries: Sequence[BasketEntry]) -> str:
        """The same for several events, in their order; the first answer that is not ``APPLIED`` is that of all."""
        ...

    async def live_lines(self, household: HouseholdRecord, reservation_ids: Sequence[int]) -> list[Line]: ...

    async def lines_of_invoice(self, invoice_id: str) -> list[Line]:
        """All lines that say they are on this invoice, whatever their state."""
        ...

    async def unpaid(self, reservation_ids: Sequence[int]) -> list[int]:
        """Those whose latest line was neither paid nor cancelled: it waits, or lapsed with its hold."""
        ...

    async def set_lines(self, line_ids: Iterable[int], state: LineState) -> None:
        """``PENDING`` also takes the lines off their invoice."""
        ...

    async def add_settled_lines(self, household: HouseholdRecord, invoice_id: str, like: Sequence[int]) -> list[int]:
        """New settled lines at the price of the given old ones, in their order: the new lines' ids."""
        ...


class Papers(Protocol):
    """Documents, their state, and the numbers they take."""

    async def invoice(self, invoice_id: str) -> InvoiceRecord | None:
        """The invoice and its state; lock its household first."""
        ...

    async def document_lines(self, invoice_id: str) -> list[DocumentLine]: ...

    async def add_document(self, document: NewDocument) -> str:
        """Write it with the next number of its series, which it answers. Call it last."""
        ...

    async def mark_paid(self, invoice_id: str, means: str, paid_at: datetime, receipt_number: str) -> None: ...

    async def mark_cancelled(self, invoice_id: str, credit_note_id: str) -> None: ...

    async def mark_confirmed(self, invoice_id: str) -> None: ...

    async def set_late_payment(self, invoice_id: str, payment_id: str) -> None:
        """Empty: the late money's case is closed."""
        ...

    async def set_paid_by(self, invoice_id: str, payment_id: str) -> None:
        """The attempt of this payment is the invoice's last: its payer finds the invoice by it."""
        ...

    async def next_number(self, till_code: str, series: Series, year: int) -> str: ...


class Moneys(Protocol):
    """Payments, the ledger, attempts and alerts."""

    async def has_payment_of(self, attempt_id: str) -> bool: ...

    async def add_payment(self, payment: NewPayment) -> None: ...

    async def allocate(self, payment_id: str, invoice_id: str, amount_minor: int, at: datetime) -> None: ...

    async def post(
        self, movement: Movement, household_key: int, at: datetime, *, document_id: str = "", payment_id: str = ""
    ) -> None: ...

    async def family_credit(self, household_id: str) -> int: ...

    async def raise_alert(self, alert: AlertRecord) -> None: ...

    async def attempts(self, invoice_id: str) -> list[AttemptRecord]: ...

    async def attempt_of_request(self, request_id: str) -> AttemptRecord | None: ...

    async def add_attempt(self, attempt: AttemptRecord, at: datetime) -> None: ...

    async def start_attempt(self, request_id: str, payment: ProviderPayment) -> None: ...

    async def set_attempt(self, attempt_id: str, state: AttemptState) -> None: ...


class Projections(Protocol):
    """What other services told, guarded by their versions; and the town's own settings here."""

    async def town(self) -> TownRecord | None: ...

    async def put_town(self, town: TownRecord) -> None: ...

    async def put_household(
        self, household_id: str, child_ids: Sequence[str], version: int, *, is_resident: bool
    ) -> None: ...

    async def put_activity(self, activity_id: str, name: str, kind: int, position: int, version: int) -> None: ...

    async def lock_tariffs(self, activity_id: str) -> list[Tariff]:
        """The activity's tariffs, locked with it; one that the agenda has not told yet is noted."""
        ...

    async def apply_tariffs(self, activity_id: str, plan: TariffPlan) -> None: ...

    async def put_till(self, till_id: str, code: str, name: str, siret: str, vat_mention: str) -> str:
        """The first till of a town is the one its documents are numbered by. Answers the till's id."""
        ...


class Books(Bookings, Papers, Moneys, Projections, Protocol):
    """One transaction. ``replayed`` is the result of the first run when the command already ran."""

    replayed: str | None

    def publish(self, event: BillingEvent) -> None:
        """Tell the others, once the transaction is committed."""
        ...

    async def commit(self, result: str = "") -> None: ...


class BooksFactory(Protocol):
    """Opens transactions; leaving one without a commit rolls it back."""

    def __call__(self, context: Context, request: RequestKey | None = None) -> AbstractAsyncContextManager[Books]: ...


@dataclass(frozen=True, slots=True)
class IssueOrder:
    """All that the one-round-trip issue needs."""

    household_id: str
    request: RequestKey
    min_revision: int
    expected_minor: int
    invoice_id: str
    issued_at: datetime
    payer_name: str
    payer_address: str
    child_names: dict[str, str]


@dataclass(frozen=True, slots=True)
class IssueAnswer:
    """``outcome`` is ISSUED, REPLAYED, KEY_REUSED, BEHIND, EMPTY, CHANGED or NO_TILL."""

    outcome: str
    invoice_id: str
    revision: int
    actual_minor: int


class InvoiceDesk(Protocol):
    """The hot path of issuing, and reading documents, each in one round trip."""

    async def issue(self, context: Context, order: IssueOrder) -> IssueAnswer: ...

    async def document(self, context: Context, document_id: str, household_id: str | None) -> Document | None:
        """``household_id`` None: any household of the town."""
        ...


class RevisionBoard(Protocol):
    """Wakes who waits for a household's revision."""

    async def wait(self, context: Context, household_id: str, seconds: float) -> None:
        """Return when this process saw the household move, or after ``seconds``."""
        ...


class HouseholdDirectory(Protocol):
    """Identity: names are asked when they are printed, never kept elsewhere."""

    async def names(self, token: str) -> HouseholdNames:
        """Of the caller's own household."""
        ...


class PaymentGateway(Protocol):
    """The payment gateway."""

    async def is_open(self, token: str) -> bool:
        """Whether families of the caller's town can pay online."""
        ...

    async def create(self, token: str, request: PaymentRequest) -> ProviderPayment:
        """``UNAVAILABLE/PROVIDER_UNAVAILABLE``: nothing was asked of the payer."""
        ...

    async def refresh(self, token: str, attempt_id: str) -> AttemptState:
        """What the provider says now."""
        ...


@dataclass(frozen=True, slots=True)
class PaymentRequest:
    """What to ask money for."""

    request_id: str
    invoice_id: str
    amount_minor: int
    debt_reference: str
    description: str
    payer_email: str
    fiscal_year: int
    return_url: str
    notify_url: str


class DocumentRenderer(Protocol):
    """PDF/UA-1."""

    async def document(self, document: Document, *, is_payable_online: bool) -> bytes:
        """``is_payable_online``: among the ways to pay it, where it is not paid yet."""
        ...

    async def receipt(self, document: Document) -> bytes: ...


class UnpricedBookings(Protocol):
    """Bookings that wait for a tariff."""

    async def note(self, context: Context, event_id: UUID, household_id: str, at: datetime) -> None:
        """Remember one, whatever becomes of the transaction that could not price it."""
        ...
