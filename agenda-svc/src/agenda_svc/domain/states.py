"""The life of a reservation: the only door from one state to another. Each edge names the event it emits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum


class Status(IntEnum):
    """Stored and sent as these numbers."""

    HELD = 1
    CONFIRMED = 2
    CANCELLED = 3
    EXPIRED = 4


LIVE = frozenset({Status.HELD, Status.CONFIRMED})
"""The states in which a reservation takes a place."""


class Trigger(Enum):
    BOOK = "book"
    RENEW = "renew"
    CANCEL = "cancel"
    EXPIRE = "expire"
    SETTLE = "settle"


@dataclass(frozen=True, slots=True)
class Edge:
    """Where a trigger leads. ``takes_place`` is how the session's counter moves."""

    target: Status
    event: str
    takes_place: int


class TransitionError(Exception):
    """A trigger that means nothing in this state: a programming error, refusals are decided before."""


TRANSITIONS: dict[tuple[Status | None, Trigger], Edge] = {
    (None, Trigger.BOOK): Edge(Status.HELD, "ReservationsHeld", 1),
    (Status.HELD, Trigger.RENEW): Edge(Status.HELD, "HoldsRenewed", 0),
    (Status.HELD, Trigger.CANCEL): Edge(Status.CANCELLED, "ReservationsCancelled", -1),
    (Status.HELD, Trigger.EXPIRE): Edge(Status.EXPIRED, "ReservationsExpired", -1),
    (Status.HELD, Trigger.SETTLE): Edge(Status.CONFIRMED, "ReservationsConfirmed", 0),
    (Status.CONFIRMED, Trigger.CANCEL): Edge(Status.CANCELLED, "ReservationsCancelled", -1),
    # Money that comes after the hold ended books again what is still free.
    (Status.EXPIRED, Trigger.SETTLE): Edge(Status.CONFIRMED, "ReservationsConfirmed", 1),
}


def move(status: Status | None, trigger: Trigger) -> Edge:
    try:
        return TRANSITIONS[status, trigger]
    except KeyError:
        raise TransitionError(f"{trigger.value} from {status.name if status else 'nothing'}") from None
