"""Every state times every trigger."""

from __future__ import annotations

from itertools import product

import pytest
from agenda_svc.domain.states import LIVE, TRANSITIONS, Edge, Status, TransitionError, Trigger, move
from preau.agenda.v1 import agenda_events_pb2

EXPECTED = {
    (None, Trigger.BOOK): (Status.HELD, "ReservationsHeld", 1),
    (Status.HELD, Trigger.RENEW): (Status.HELD, "HoldsRenewed", 0),
    (Status.HELD, Trigger.CANCEL): (Status.CANCELLED, "ReservationsCancelled", -1),
    (Status.HELD, Trigger.EXPIRE): (Status.EXPIRED, "ReservationsExpired", -1),
    (Status.HELD, Trigger.SETTLE): (Status.CONFIRMED, "ReservationsConfirmed", 0),
    (Status.CONFIRMED, Trigger.CANCEL): (Status.CANCELLED, "ReservationsCancelled", -1),
    (Status.EXPIRED, Trigger.SETTLE): (Status.CONFIRMED, "ReservationsConfirmed", 1),
}


@pytest.mark.parametrize(("status", "trigger"), list(product([None, *Status], Trigger)))
def test_each_trigger_leads_where_it_must_or_nowhere(status: Status | None, trigger: Trigger) -> None:
    expected = EXPECTED.get((status, trigger))

    if expected is None:
        with pytest.raises(TransitionError):
            move(status, trigger)
    else:
        assert move(status, trigger) == Edge(*expected)


@pytest.mark.parametrize("key", list(TRANSITIONS))
def test_the_counter_moves_exactly_when_a_place_is_taken_or_given_back(key: tuple[Status | None, Trigger]) -> None:
    edge = TRANSITIONS[key]

    assert edge.takes_place == (edge.target in LIVE) - (key[0] in LIVE)


def test_each_edge_s_event_exists() -> None:
    assert {edge.event for edge in TRANSITIONS.values()} <= set(agenda_events_pb2.DESCRIPTOR.message_types_by_name)


def test_a_cancelled_reservation_never_moves_again() -> None:
    assert not [key for key in TRANSITIONS if key[0] is Status.CANCELLED]
