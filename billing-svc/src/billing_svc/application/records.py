"""What passes between the use cases and the ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from billing_svc.domain.documents import DocumentKind, DocumentLine, Issuer
from billing_svc.domain.states import AttemptState, InvoiceState


@dataclass(frozen=True, slots=True)
class TownRecord:
    slug: str
    name: str
    time_zone: str
    hold_minutes: int
    is_production: bool
    office_name: str
    office_address: str
    office_phone: str
    office_email: str
    version: int


@dataclass(frozen=True, slots=True)
class HouseholdRecord:
    key: int
    id: str
    revision: int


@dataclass(frozen=True, slots=True)
class BasketLines:
    """Reservations in columns, as the agenda packs them."""

    reservation_ids: Sequence[int]
    child_ids: Sequence[str]
    activity_ids: Sequence[str]
    child_indexes: Sequence[int]
    activity_indexes: Sequence[int]
    days: Sequence[int]
    """Since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class BasketEntry:
    """What one event puts into one basket."""

    household_id: str
    revision: int
    hold_expires_at: datetime
    lines: BasketLines


@dataclass(frozen=True, slots=True)
class InvoiceRecord:
    """An invoice as its transactions need it."""

    id: str
    number: str
    household_key: int
    household_id: str
    total_minor: int
    issued_at: datetime
    status: InvoiceState
    payable_until: datetime | None
    is_confirmed: bool
    late_payment_id: str
    payer_name: str
    payer_address: str
    issuer: Issuer


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document about to take its number."""

    id: str
    kind: DocumentKind
    household_key: int
    total_minor: int
    issued_at: datetime
    payer_name: str
    payer_address: str
    issuer: Issuer
    year: int
    lines: tuple[DocumentLine, ...]
    corrects_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NewPayment:
    """Money that came in."""

    id: str
    household_key: int
    invoice_id: str
    means: str
    amount_minor: int
    received_at: datetime
    actor: str
    attempt_id: str = ""
    provider_ref: str = ""
    receipt_number: str = ""


@dataclass(frozen=True, slots=True)
class AlertRecord:
    id: str
    reason: str
    household_id: str
    household_key: int | None
    invoice_id: str
    amount_minor: int
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    request_id: str
    invoice_id: str
    rank: int
    state: AttemptState
    attempt_id: str = ""
    payment_url: str = ""
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """An attempt the payment gateway opened."""

    attempt_id: str
    payment_url: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class HouseholdNames:
    """What a document prints of a household."""

    payer_name: str
    payer_address: str
    payer_email: str
    child_names: dict[str, str] = field(default_factory=dict)
