"""A refusal of the agenda as the sentence a parent reads."""

from __future__ import annotations

from datetime import date

from preau.agenda.v1 import agenda_service_pb2 as agenda
from preau_chassis.wire import timestamp_from_wire
from preau_kernel.errors import DomainError

from gateway.citizen.desk import Desk
from gateway.citizen.names import Names
from gateway.words import facts_of, say_reason


def facts(
    refusal: agenda.Refusal, desk: Desk, names: Names, day: date, activity_id: str, child_id: str = ""
) -> dict[str, str]:
    """What the sentence may say."""
    found = {
        "day": desk.fmt.day_month(day),
        "weekday": desk.fmt.weekday(day.isoweekday()),
        "activity": names.activity(activity_id),
        "phone": desk.town.contact.phone,
        "label": refusal.label,
    }
    if refusal.HasField("cutoff_at"):
        found["cutoff"] = desk.fmt.instant(timestamp_from_wire(refusal.cutoff_at))
    if refusal.related_activity_id:
        found["related"] = names.activity(refusal.related_activity_id)
    if child_id in names.children:
        found["child"] = names.child(child_id)
    return found


def refusal_sentence(
    refusal: agenda.Refusal, desk: Desk, names: Names, day: date, activity_id: str, child_id: str = ""
) -> str:
    """Why this activity cannot be booked (or given up) by this child on this day."""
    return say_reason(refusal.reason, facts(refusal, desk, names, day, activity_id, child_id), desk.lex)


def refusal_of_error(error: DomainError, desk: Desk, names: Names, day: date | None, child_id: str = "") -> str:
    """The sentence for a command that was refused, with the names its facts stand for."""
    metadata = dict(error.metadata)
    if day is not None:
        metadata.setdefault("day", day.isoformat())
    for key, name in (("activity_id", "activity"), ("related_activity_id", "related")):
        if metadata.get(key) in names.activities:
            metadata[name] = names.activity(metadata[key])
    child = metadata.get("child_id", child_id)
    if child in names.children:
        metadata["child"] = names.child(child)
    found = facts_of(metadata, desk.fmt, desk.town.contact.phone, desk.now)
    return say_reason(error.reason, found, desk.lex, error.kind.value)
