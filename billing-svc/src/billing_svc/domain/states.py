"""The life of charge lines, invoices and attempts, as transition tables: the only doors."""

from __future__ import annotations

from enum import Enum, IntEnum
from typing import TypeVar

from preau_kernel.errors import PreconditionError


class LineState(IntEnum):
    """A priced reservation. The numbers are stored."""

    PENDING = 1
    INVOICED = 2
    SETTLED = 3
    CANCELLED = 4
    LAPSED = 5
    """Its hold ended unpaid; money that comes late may bring it back as a new line."""


LIVE_LINE_STATES = frozenset({LineState.PENDING, LineState.INVOICED, LineState.SETTLED})
"""A reservation has at most one line in these states."""


class LineTrigger(Enum):
    INVOICE = "invoice"
    SETTLE = "settle"
    RETURN = "return"
    CANCEL = "cancel"
    LAPSE = "lapse"


class InvoiceState(IntEnum):
    """An issued invoice. The numbers are stored."""

    ISSUED = 1
    PAID = 2
    CANCELLED = 3


class InvoiceTrigger(Enum):
    SETTLE = "settle"
    CREDIT = "credit"


class AttemptState(IntEnum):
    """What billing knows of an attempt to pay. The numbers are stored."""

    STARTING = 1
    """The gateway was asked and has not answered: the payer was sent nowhere."""
    STARTED = 2
    FAILED = 3
    PAID = 4


class AttemptTrigger(Enum):
    START = "start"
    FAIL = "fail"
    PAY = "pay"


LINE_TRANSITIONS: dict[tuple[LineState, LineTrigger], LineState] = {
    (LineState.PENDING, LineTrigger.INVOICE): LineState.INVOICED,
    (LineState.PENDING, LineTrigger.CANCEL): LineState.CANCELLED,
    (LineState.PENDING, LineTrigger.LAPSE): LineState.LAPSED,
    (LineState.INVOICED, LineTrigger.SETTLE): LineState.SETTLED,
    (LineState.INVOICED, LineTrigger.RETURN): LineState.PENDING,
    (LineState.INVOICED, LineTrigger.CANCEL): LineState.CANCELLED,
    (LineState.INVOICED, LineTrigger.LAPSE): LineState.LAPSED,
    (LineState.SETTLED, LineTrigger.CANCEL): LineState.CANCELLED,
}

INVOICE_TRANSITIONS: dict[tuple[InvoiceState, InvoiceTrigger], InvoiceState] = {
    (InvoiceState.ISSUED, InvoiceTrigger.SETTLE): InvoiceState.PAID,
    (InvoiceState.ISSUED, InvoiceTrigger.CREDIT): InvoiceState.CANCELLED,
}

ATTEMPT_TRANSITIONS: dict[tuple[AttemptState, AttemptTrigger], AttemptState] = {
    (AttemptState.STARTING, AttemptTrigger.START): AttemptState.STARTED,
    (AttemptState.STARTING, AttemptTrigger.FAIL): AttemptState.FAILED,
    (AttemptState.STARTING, AttemptTrigger.PAY): AttemptState.PAID,
    (AttemptState.STARTED, AttemptTrigger.FAIL): AttemptState.FAILED,
    (AttemptState.STARTED, AttemptTrigger.PAY): AttemptState.PAID,
    # Money that arrives after an attempt was given up always wins.
    (AttemptState.FAILED, AttemptTrigger.PAY): AttemptState.PAID,
}

StateT = TypeVar("StateT", bound=IntEnum)
TriggerT = TypeVar("TriggerT", bound=Enum)


def move(table: dict[tuple[StateT, TriggerT], StateT], state: StateT, trigger: TriggerT) -> StateT:
    """The state after ``trigger``; ``PRECONDITION/TRANSITION_REFUSED`` when there is no such edge."""
    try:
        return table[state, trigger]
    except KeyError:
        raise PreconditionError("TRANSITION_REFUSED", state=state.name, trigger=trigger.value) from None
