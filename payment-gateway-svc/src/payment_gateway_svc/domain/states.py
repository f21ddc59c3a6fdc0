"""The life of an attempt as data: edges carry the event they emit; what is no edge changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class PaymentState(Enum):
    """Where an attempt is in its life."""

    CREATED = "created"
    REDIRECTED = "redirected"
    PENDING = "pending"
    PAID = "paid"
    DENIED = "denied"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REVERSED = "reversed"


class Trigger(Enum):
    """What can happen to an attempt."""

    REDIRECT = "redirect"
    WAIT = "wait"
    PUZZLE = "puzzle"
    """A result whose meaning is not known here: perhaps money."""
    PAY = "pay"
    DENY = "deny"
    CANCEL = "cancel"
    EXPIRE = "expire"
    MISMATCH = "mismatch"
    REVERSE = "reverse"


class Emits(Enum):
    """The fact an edge makes public."""

    NOTHING = "nothing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MISMATCHED = "mismatched"


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a trigger leads, and what is told of it."""

    to: PaymentState
    emits: Emits = Emits.NOTHING


_PAY = Edge(PaymentState.PAID, Emits.SUCCEEDED)
_MISMATCH = Edge(PaymentState.PENDING, Emits.MISMATCHED)
_ASKED = {
    Trigger.PAY: _PAY,
    Trigger.DENY: Edge(PaymentState.DENIED, Emits.FAILED),
    Trigger.CANCEL: Edge(PaymentState.CANCELLED, Emits.FAILED),
    Trigger.EXPIRE: Edge(PaymentState.EXPIRED, Emits.FAILED),
    Trigger.MISMATCH: _MISMATCH,
}
_STILL_OPEN = Edge(PaymentState.PENDING)
# Money that arrives after we gave up has still arrived, and what may be money is for somebody to look at.
_GIVEN_UP = {Trigger.PAY: _PAY, Trigger.PUZZLE: _STILL_OPEN, Trigger.MISMATCH: _MISMATCH}

TRANSITIONS: dict[PaymentState, dict[Trigger, Edge]] = {
    PaymentState.CREATED: {
        Trigger.REDIRECT: Edge(PaymentState.REDIRECTED),
        Trigger.EXPIRE: Edge(PaymentState.EXPIRED, Emits.FAILED),
    },
    PaymentState.REDIRECTED: {Trigger.WAIT: _STILL_OPEN, Trigger.PUZZLE: _STILL_OPEN, **_ASKED},
    PaymentState.PENDING: _ASKED,
    PaymentState.PAID: {Trigger.REVERSE: Edge(PaymentState.REVERSED)},
    PaymentState.DENIED: _GIVEN_UP,
    PaymentState.CANCELLED: _GIVEN_UP,
    PaymentState.EXPIRED: _GIVEN_UP,
    PaymentState.REVERSED: {},
}


def edge(state: PaymentState, trigger: Trigger) -> Edge | None:
    """The edge ``trigger`` takes from ``state``, or nothing."""
    return TRANSITIONS[state].get(trigger)
