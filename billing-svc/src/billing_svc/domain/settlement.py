"""What money that came in does. Money is never dropped: it settles, or it becomes the family's credit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from billing_svc.domain.states import InvoiceState


class Effect(Enum):
    SETTLE = "settle"
    KEEP = "keep"
    """All of it becomes the family's credit."""
    REGAIN = "regain"
    """Kept as credit, and the agenda is asked for what is still free."""
    REFUSE = "refuse"
    """Not real money: nothing is booked."""


LATE_PAYMENT = "LATE_PAYMENT"
DOUBLE_PAYMENT = "DOUBLE_PAYMENT"
AMOUNT_MISMATCH = "AMOUNT_MISMATCH"
PLACES_LOST = "PLACES_LOST"
TEST_PAYMENT_IN_PRODUCTION = "TEST_PAYMENT_IN_PRODUCTION"
RESERVATIONS_CANCELLED = "RESERVATIONS_CANCELLED"


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money as it came in."""

    amount_minor: int
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    effect: Effect
    alert: str = ""


def decide_payment(
    status: InvoiceState, total_minor: int, money: Receipt, *, is_production: bool, can_regain: bool
) -> Decision:
    """What ``money`` does to an invoice.

    ``can_regain``: some of its lines are neither paid by something else nor cancelled by the family.
    """
    if money.is_test and is_production:
        return Decision(Effect.REFUSE, TEST_PAYMENT_IN_PRODUCTION)
    if status is InvoiceState.PAID:
        return Decision(Effect.KEEP, DOUBLE_PAYMENT)
    is_exact = money.amount_minor == total_minor
    if status is InvoiceState.CANCELLED:
        return Decision(Effect.REGAIN if can_regain and is_exact else Effect.KEEP, LATE_PAYMENT)
    return Decision(Effect.SETTLE) if is_exact else Decision(Effect.KEEP, AMOUNT_MISMATCH)
