"""What happens to the lines of reservations that are no more."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from billing_svc.domain.states import LINE_TRANSITIONS, LineState, LineTrigger, move


class Cause(Enum):
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    LOST = "lost"
    """Paid, but the place was taken meanwhile."""

    @property
    def trigger(self) -> LineTrigger:
        return LineTrigger.LAPSE if self is Cause.EXPIRED else LineTrigger.CANCEL


@dataclass(frozen=True, slots=True)
class Line:
    """A live charge line, as far as withdrawals care."""

    id: int
    reservation_id: int
    state: LineState
    price_minor: int
    invoice_id: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """What to write. A settled line is touched only when the family cancels it, or its place was lost."""

    ended: dict[LineState, list[int]] = field(default_factory=dict)
    """Line ids by the state they end in."""
    invoices_to_cancel: list[str] = field(default_factory=list)
    refunds: dict[str, list[Line]] = field(default_factory=dict)
    """Settled lines by invoice: their money becomes the family's credit."""


def plan_withdrawal(lines: Iterable[Line], cause: Cause) -> Withdrawal:
    """Sort ``lines`` by what their withdrawal means.

    An expiry says nothing about a settled line: the money was faster, and the agenda will confirm or report it lost.
    """
    plan = Withdrawal()
    for line in lines:
        if line.state is LineState.SETTLED:
            if cause is Cause.EXPIRED:
                continue
            plan.refunds.setdefault(line.invoice_id, []).append(line)
        elif line.state is LineState.INVOICED and line.invoice_id not in plan.invoices_to_cancel:
            plan.invoices_to_cancel.append(line.invoice_id)
        plan.ended.setdefault(move(LINE_TRANSITIONS, line.state, cause.trigger), []).append(line.id)
    return plan


def remaining(invoice_lines: Sequence[Line], ended: Iterable[int]) -> list[int]:
    """The lines of a cancelled invoice that go back to the basket."""
    gone = set(ended)
    return [line.id for line in invoice_lines if line.state is LineState.INVOICED and line.id not in gone]
