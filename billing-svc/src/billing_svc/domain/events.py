"""Facts this service tells the others. No people's names: ids and amounts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class InvoiceIssued:
    invoice_id: str
    number: str
    household_id: str
    total_minor: int
    issued_at: datetime


@dataclass(frozen=True, slots=True)
class InvoiceSettled:
    invoice_id: str
    household_id: str
    reservation_ids: tuple[int, ...]
    settled_at: datetime
    is_late: bool = False
    paid_known_at: datetime | None = None
    """When the platform learnt that the provider has the money; nothing for other means."""


@dataclass(frozen=True, slots=True)
class InvoiceCancelled:
    invoice_id: str
    credit_note_id: str
    household_id: str
    is_reopened: bool


@dataclass(frozen=True, slots=True)
class FamilyAccountCredited:
    household_id: str
    amount_minor: int
    reason: str


BillingEvent = InvoiceIssued | InvoiceSettled | InvoiceCancelled | FamilyAccountCredited
