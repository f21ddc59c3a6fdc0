"""The states of days and reservations, everywhere the same: a key for the colour, an icon and a word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau.billing.v1 import billing_service_pb2 as billing

from gateway.lexicon import Lexicon, mark


@dataclass(frozen=True, slots=True)
class State:
    """How a state looks and reads."""

    key: str
    icon: str
    label: str

    def said(self, lex: Lexicon) -> State:
        return _said(self, lex)


@cache
def _said(state: State, lex: Lexicon) -> State:
    # A few states, a few languages, and hundreds of cells a page.
    return replace(state, label=lex.say(state.label))


BOOKABLE = State("bookable", "plus", mark("Réservable"))
HELD = State("held", "hourglass", mark("En attente de paiement"))
CONFIRMED = State("confirmed", "check", mark("Confirmée"))
FULL = State("full", "full", mark("Complet"))
LATE = State("late", "clock", mark("Délai dépassé"))
CLOSED = State("closed", "minus", mark("Fermé"))
NOT_ENROLLED = State("not_enrolled", "pen", mark("Pas d'inscription"))
BOOKED = State("booked", "check", mark("Tout est réservé"))
BOOKED_UNPAID = State("held", "hourglass", BOOKED.label)
PAST = State("past", "minus", mark("Passé"))
CANCELLED = State("cancelled", "cross", mark("Annulée"))
EXPIRED = State("expired", "clock", mark("Place libérée"))

LEGEND = (BOOKABLE, HELD, CONFIRMED, FULL, LATE, CLOSED)
RARE = (NOT_ENROLLED,)
"""In the legend of the months that show them."""

DAY_STATES = {
    agenda.DAY_STATE_BOOKABLE: BOOKABLE,
    agenda.DAY_STATE_FULL: FULL,
    agenda.DAY_STATE_TOO_LATE: LATE,
    agenda.DAY_STATE_CLOSED: CLOSED,
    agenda.DAY_STATE_NOT_ENROLLED: NOT_ENROLLED,
    agenda.DAY_STATE_BOOKED: BOOKED,
}
RESERVATION_STATES = {
    agenda.RESERVATION_STATUS_HELD: HELD,
    agenda.RESERVATION_STATUS_CONFIRMED: CONFIRMED,
    agenda.RESERVATION_STATUS_CANCELLED: CANCELLED,
    agenda.RESERVATION_STATUS_EXPIRED: EXPIRED,
}
_MOST_USEFUL_FIRST = (BOOKABLE, BOOKED, FULL, LATE, NOT_ENROLLED, CLOSED)

INVOICE_STATES = {
    billing.INVOICE_STATUS_ISSUED: State("held", "hourglass", mark("À payer")),
    billing.INVOICE_STATUS_PAID: State("confirmed", "check", mark("Payée")),
    billing.INVOICE_STATUS_CANCELLED: State("cancelled", "cross", mark("Annulée par un avoir")),
}
FOR_THE_COUNTER = State("held", "hourglass", mark("À régler au guichet"))
CREDIT_NOTE = State("cancelled", "undo", mark("Avoir"))


def together(states: list[State]) -> State:
    """The state of a day for several children: the one with most to do."""
    return next((state for state in _MOST_USEFUL_FIRST if state in states), CLOSED)
