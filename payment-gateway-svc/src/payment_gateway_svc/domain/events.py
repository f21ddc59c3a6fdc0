"""What became true of an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from preau_kernel.money import Money


@dataclass(frozen=True, slots=True)
class PaymentSucceeded:
    """The provider says the money is in."""

    attempt_id: UUID
    invoice_id: str
    amount: Money
    settled_at: datetime
    provider: str
    provider_ref: str
    is_test: bool
    known_at: datetime
    """When the look-up said so; ``settled_at`` is the provider's word."""


@dataclass(frozen=True, slots=True)
class PaymentFailed:
    """The attempt ended without money: ``DENIED``, ``CANCELLED`` or ``EXPIRED``."""

    attempt_id: UUID
    invoice_id: str
    outcome: str


@dataclass(frozen=True, slots=True)
class PaymentMismatched:
    """The provider answered for something else than what was asked; a person must look."""

    attempt_id: UUID
    invoice_id: str
    fields: tuple[str, ...]
    expected: Money
    actual: Money


PaymentEvent = PaymentSucceeded | PaymentFailed | PaymentMismatched
