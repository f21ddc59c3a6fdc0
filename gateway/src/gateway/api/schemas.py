"""The JSON API's payloads and answers. Field names are binding for outside clients."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Identifier = Annotated[str, Meta(min_length=1, max_length=64, pattern="^[A-Za-z0-9_-]+$")]
Weekday = Annotated[int, Meta(ge=1, le=7)]
# What fits both the wire and any sum a family could owe.
MinorUnits = Annotated[int, Meta(ge=-(10**12), le=10**12)]
Instant = Annotated[str, Meta(description="RFC 3339, UTC; empty when there is none.")]
Identifiers = Annotated[list[Identifier], Meta(min_length=1, max_length=2_000)]
Typed = Annotated[str, Meta(min_length=1, max_length=500, pattern="^[^\\u0000-\\u001f]+$")]


class Money(Struct, frozen=True):
    """An exact amount, in cents for EUR."""

    minor_units: MinorUnits
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] = "EUR"


class SignIn(Struct, frozen=True):
    username: Typed
    password: Typed


class OpenedSession(Struct, frozen=True):
    """``token`` goes into ``Authorization: Bearer``."""

    token: str
    expires_at: Instant


class Person(Struct, frozen=True):
    id: str
    first_name: str
    last_name: str


class Household(Struct, frozen=True):
    id: str
    children: list[Person]
    guardians: list[Person]


class Activity(Struct, frozen=True):
    id: str
    code: str
    name: str
    kind: Literal["meal", "childcare", "other"]
    weekdays: list[int]
    requires: list[str]
    brings: list[str]
    excludes: list[str]


class Activities(Struct, frozen=True):
    items: list[Activity]
    next_page_token: str = ""


ReservationStatus = Literal["pending_payment", "confirmed", "cancelled", "expired"]


class Reservation(Struct, frozen=True):
    id: str
    child_id: str
    activity_id: str
    day: date
    status: ReservationStatus
    hold_expires_at: Instant
    can_cancel: bool


class AgendaDay(Struct, frozen=True):
    day: date
    child_id: str
    state: Literal["bookable", "full", "too_late", "closed", "not_enrolled", "booked"]
    closure_label: str
    reservations: list[Reservation]


class Agenda(Struct, frozen=True):
    """One month of the household, a row a day and child."""

    month: str
    items: list[AgendaDay]
    revision: int
    next_page_token: str = ""


class BulkEntry(Struct, frozen=True):
    """A bulk entry: the days of the period that periodicity and weekdays keep; no weekday means every open day."""

    child_ids: Annotated[list[Identifier], Meta(min_length=1, max_length=50)]
    action: Literal["create", "delete"]
    first: date = field(name="from")
    last: date = field(name="to")
    activity_ids: Annotated[list[Identifier], Meta(min_length=1, max_length=50)]
    periodicity: Literal["none", "weekly", "biweekly", "even", "odd"] = "none"
    weekdays: Annotated[list[Weekday], Meta(max_length=7)] = field(default_factory=list)


class SkippedRow(Struct, frozen=True):
    child_id: str
    day: date
    activity_id: str
    reason: str


class BulkPreview(Struct, frozen=True):
    created: int
    removed: int
    skipped: list[SkippedRow]
    total: Money
    missing_required_activity_ids: list[str]


class BulkResult(Struct, frozen=True):
    created: int
    removed: int
    skipped: list[SkippedRow]
    entry_id: str
    hold_expires_at: Instant
    undo_until: Instant
    revision: int


class UndoneBulkEntry(Struct, frozen=True):
    removed: int
    revision: int


class NewReservations(Struct, frozen=True):
    child_id: Identifier
    day: date
    activity_ids: Annotated[list[Identifier], Meta(min_length=1, max_length=50)]


class Reservations(Struct, frozen=True):
    items: list[Reservation]
    revision: int
    next_page_token: str = ""


class ReservationIds(Struct, frozen=True):
    ids: Identifiers


class CancelledReservations(Struct, frozen=True):
    """All that went, those coupled with the given ones included."""

    ids: list[str]
    removed: int
    revision: int


class NamedActivity(Struct, frozen=True):
    id: str
    name: str


class BasketLine(Struct, frozen=True):
    id: str
    reservation_id: str
    day: date
    activity: NamedActivity
    child: Person
    status: Literal["pending_payment"]
    price: Money
    computation: str


class Basket(Struct, frozen=True):
    """``total`` and ``count`` are of the whole basket, ``lines`` are one page of it."""

    total: Money
    count: int
    lines: list[BasketLine]
    next_page_token: str
    hold_expires_at: Instant
    revision: int


class NewInvoice(Struct, frozen=True):
    """``expected_total`` is what the payer saw; another amount by now is 409 BASKET_CHANGED."""

    expected_total: Money
    payment: Literal["online", "counter"] = "online"


class InvoiceLine(Struct, frozen=True):
    id: str
    reservation_id: str
    day: date
    activity: NamedActivity
    child_id: str
    child_name: str
    price: Money
    computation: str


class Invoice(Struct, frozen=True, kw_only=True):
    id: str
    number: str
    kind: Literal["invoice", "credit_note"]
    status: Literal["issued", "paid", "cancelled"]
    total: Money
    issued_at: Instant
    paid_at: Instant
    payable_until: Instant
    line_count: int
    related_id: str
    receipt_number: str
    reservations_confirmed: bool
    last_attempt_id: str
    lines: list[InvoiceLine]


class InvoiceToPay(Invoice, frozen=True, kw_only=True):
    """The issued invoice and the page on which it is paid; both last fields are empty when that is not online."""

    payment_url: str
    attempt_id: str


class Invoices(Struct, frozen=True):
    """Latest first; ``lines`` is empty in lists."""

    items: list[Invoice]
    next_page_token: str = ""


class StartedPayment(Struct, frozen=True):
    attempt_id: str
    payment_url: str
    expires_at: Instant


class PaymentAttempt(Struct, frozen=True, kw_only=True):
    id: str
    invoice_id: str
    amount: Money
    status: Literal["created", "redirected", "pending", "paid", "denied", "cancelled", "expired", "reversed"]
    invoice_status: Literal["issued", "paid", "cancelled"]
    reservations_confirmed: bool
    payment_url: str
    is_provider_unreachable: bool
