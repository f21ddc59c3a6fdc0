"""From what happened to the messages that tell it."""

from __future__ import annotations

from google.protobuf.message import Message
from preau.agenda.v1 import agenda_events_pb2 as pb
from preau.agenda.v1.agenda_service_pb2 import ActivityKind
from preau_chassis.wire import timestamp_to_wire

from agenda_svc.domain import events
from agenda_svc.domain.activity import Kind
from agenda_svc.domain.days import activity_in, day_in

_KINDS = {
    Kind.MEAL: ActivityKind.ACTIVITY_KIND_MEAL,
    Kind.CHILDCARE: ActivityKind.ACTIVITY_KIND_CHILDCARE,
    Kind.OTHER: ActivityKind.ACTIVITY_KIND_OTHER,
}


def to_message(event: events.HouseholdEvent | events.ActivityChanged) -> Message:
    match event:
        case events.ReservationsHeld():
            return _held(event)
        case events.ReservationsCancelled():
            return pb.ReservationsCancelled(
                household_id=event.household_id, revision=event.revision, reservation_ids=event.ids
            )
        case events.ReservationsExpired():
            return pb.ReservationsExpired(
                household_id=event.household_id, revision=event.revision, reservation_ids=event.ids
            )
        case events.ReservationsConfirmed():
            return pb.ReservationsConfirmed(
                household_id=event.household_id,
                revision=event.revision,
                reservation_ids=event.ids,
                invoice_id=event.invoice_id,
                lost_reservation_ids=event.lost_ids,
            )
        case events.HoldsRenewed():
            return pb.HoldsRenewed(
                household_id=event.household_id,
                revision=event.revision,
                hold_expires_at=timestamp_to_wire(event.hold_expires_at),
            )
        case events.ActivityChanged():
            activity = event.activity
            return pb.ActivityChanged(
                activity_id=activity.id,
                name=activity.name,
                kind=_KINDS[activity.kind],
                position=activity.position,
                version=event.version,
            )


def _held(event: events.ReservationsHeld) -> pb.ReservationsHeld:
    child_index = {key: index for index, (key, _) in enumerate(event.child_ids)}
    activity_index = {key: index for index, (key, _) in enumerate(event.activity_ids)}
    keys = [key for _, key in event.slots]
    return pb.ReservationsHeld(
        household_id=event.household_id,
        revision=event.revision,
        rows=pb.ReservationRows(
            reservation_ids=event.ids,
            child_ids=[child_id for _, child_id in event.child_ids],
            activity_ids=[activity_id for _, activity_id in event.activity_ids],
            child_indexes=[child_index[child] for child, _ in event.slots],
            activity_indexes=[activity_index[activity] for activity in map(activity_in, keys)],
            days=list(map(day_in, keys)),
        ),
        hold_expires_at=timestamp_to_wire(event.hold_expires_at),
    )
