"""The agenda's events as they lie in streams: bytes of today must be readable for ever."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from agenda_svc.adapters.publisher import to_message
from agenda_svc.domain import events
from agenda_svc.domain.activity import Activity, Kind
from agenda_svc.domain.days import session_key
from preau.agenda.v1 import agenda_events_pb2 as pb
from preau_chassis.messaging import subject_of
from preau_kernel.ids import TenantSlug

HOUSEHOLD = "0198c0de-0000-7000-8000-000000000001"
CHILD = "0198c0de-0000-7000-8000-000000000002"
ACTIVITY = "0198c0de-0000-7000-8000-000000000003"
INVOICE = "0198c0de-0000-7000-8000-000000000004"
UNTIL = datetime(2025, 8, 20, 14, 0, tzinfo=UTC)

EVENTS: dict[str, events.HouseholdEvent | events.ActivityChanged] = {
    "reservations.held": events.ReservationsHeld(
        HOUSEHOLD,
        7,
        [1025, 1026],
        [(5, session_key(20332, 3)), (5, session_key(20333, 3))],
        [(5, CHILD)],
        [(3, ACTIVITY)],
        UNTIL,
    ),
    "reservations.cancelled": events.ReservationsCancelled(HOUSEHOLD, 8, [1025]),
    "reservations.expired": events.ReservationsExpired(HOUSEHOLD, 9, [1026]),
    "reservations.confirmed": events.ReservationsConfirmed(HOUSEHOLD, 10, [1025], INVOICE, [1026]),
    "holds.renewed": events.HoldsRenewed(HOUSEHOLD, 11, UNTIL),
    "activity.changed": events.ActivityChanged(
        Activity(ACTIVITY, 3, "midi", "Accueil périscolaire midi", Kind.CHILDCARE, frozenset({1}), 3), 2
    ),
}

GOLDEN = {
    "reservations.held": (
        "0a2430313938633064652d303030302d373030302d383030302d30303030303030303030303110071a620a04810882081224"
        "30313938633064652d303030302d373030302d383030302d3030303030303030303030321a2430313938633064652d303030"
        "302d373030302d383030302d303030303030303030303033220200002a0200003206ec9e01ed9e01220608e0a997c506"
    ),
    "reservations.cancelled": (
        "0a2430313938633064652d303030302d373030302d383030302d30303030303030303030303110081a028108"
    ),
    "reservations.expired": (
        "0a2430313938633064652d303030302d373030302d383030302d30303030303030303030303110091a028208"
    ),
    "reservations.confirmed": (
        "0a2430313938633064652d303030302d373030302d383030302d303030303030303030303031100a1a028108222430313938"
        "633064652d303030302d373030302d383030302d3030303030303030303030342a028208"
    ),
    "holds.renewed": (
        "0a2430313938633064652d303030302d373030302d383030302d303030303030303030303031100b1a0608e0a997c506"
    ),
    "activity.changed": (
        "0a2430313938633064652d303030302d373030302d383030302d303030303030303030303033121a4163637565696c2070c3"
        "a9726973636f6c61697265206d696469180220032802"
    ),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_is_written_as_it_always_was(name: str) -> None:
    message = to_message(EVENTS[name])

    assert message.SerializeToString(deterministic=True).hex() == GOLDEN[name]
    assert subject_of(TenantSlug("casepilote"), message) == f"evt.casepilote.agenda.{name}.v1"


def test_the_bytes_of_a_held_entry_still_mean_what_they_meant() -> None:
    event = pb.ReservationsHeld.FromString(bytes.fromhex(GOLDEN["reservations.held"]))

    assert (event.household_id, event.revision) == (HOUSEHOLD, 7)
    assert list(event.rows.reservation_ids) == [1025, 1026]
    assert [event.rows.child_ids[index] for index in event.rows.child_indexes] == [CHILD, CHILD]
    assert [event.rows.activity_ids[index] for index in event.rows.activity_indexes] == [ACTIVITY, ACTIVITY]
    assert list(event.rows.days) == [20332, 20333]
    assert event.hold_expires_at.ToDatetime(UTC) == UNTIL


def test_every_event_of_the_contract_has_its_golden_bytes() -> None:
    messages: set[str] = set(pb.DESCRIPTOR.message_types_by_name) - {"ReservationRows"}

    assert {to_message(event).DESCRIPTOR.name for event in EVENTS.values()} == messages
