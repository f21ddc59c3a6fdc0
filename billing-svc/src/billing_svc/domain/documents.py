"""Issued documents: an invoice, or a credit note that corrects one. Immutable; only their state moves."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum

from billing_svc.domain.states import InvoiceState


class DocumentKind(IntEnum):
    INVOICE = 1
    CREDIT_NOTE = 2


class ActivityKind(IntEnum):
    UNSPECIFIED = 0
    MEAL = 1
    CHILDCARE = 2
    OTHER = 3


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A line as printed; negative on a credit note."""

    rank: int
    charge_line_id: int
    reservation_id: int
    child_id: str
    child_name: str
    activity_id: str
    activity_name: str
    kind: ActivityKind
    day: date
    price_minor: int
    computation: str


@dataclass(frozen=True, slots=True)
class Issuer:
    """The town and its till, as they were at issue."""

    town_name: str
    time_zone: str
    office_name: str
    office_address: str
    office_phone: str
    office_email: str
    till_code: str
    till_name: str
    siret: str
    vat_mention: str


@dataclass(frozen=True, slots=True)
class Document:
    id: str
    number: str
    kind: DocumentKind
    household_id: str
    total_minor: int
    issued_at: datetime
    payer_name: str
    payer_address: str
    issuer: Issuer
    line_count: int
    status: InvoiceState = InvoiceState.ISSUED
    paid_at: datetime | None = None
    payable_until: datetime | None = None
    related_id: str = ""
    related_number: str = ""
    related_issued_at: datetime | None = None
    receipt_number: str = ""
    means: str = ""
    """How it was paid; empty while it is not."""
    is_confirmed: bool = False
    last_attempt_id: str = ""
    lines: tuple[DocumentLine, ...] = field(default=())
