"""Between messages and the application's dataclasses."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from preau.agenda.v1 import agenda_service_pb2 as pb
from preau_chassis.wire import parse_int_id, parse_uuid, timestamp_to_wire
from preau_kernel.errors import InvalidError

from agenda_svc.application.bulk_entry import Action
from agenda_svc.domain.activity import Activity, ActivityDraft, Kind
from agenda_svc.domain.cutoffs import Counting, Cutoff
from agenda_svc.domain.days import activity_in, day_in, day_of
from agenda_svc.domain.periodicity import Periodicity
from agenda_svc.domain.refusals import Refusal
from agenda_svc.domain.rules import TownRules
from agenda_svc.domain.views import ActivityOffer, ChildDay, RowView


class _Message(Protocol):
    def SerializeToString(self) -> bytes: ...  # noqa: N802 - protobuf's name


Answer = TypeVar("Answer", bound=_Message)


class Encoder(Generic[Answer]):
    """Turns a result into the stored answer, and keeps the message: a fresh answer is not parsed again."""

    def __init__(self, to_message: Callable[..., Answer], parse: Callable[[bytes], Answer]) -> None:
        self._to_message = to_message
        self._parse = parse
        self._message: Answer | None = None
        self._result: tuple[Any, ...] = ()
        self._body = b""

    def __call__(self, *result: Any) -> bytes:
        self._result = result
        self._message = self._to_message(*result)
        self._body = self._message.SerializeToString()
        return self._body

    def message(self, body: bytes) -> Answer:
        """The message of ``body``: ours, or that of the first time."""
        if self._message is not None and body is self._body:
            return self._message
        return self._parse(body)

    def result(self, body: bytes) -> tuple[Any, ...]:
        """What ``body`` was made of; nothing when it is the answer of the first time."""
        return self._result if self._message is not None and body is self._body else ()


@lru_cache(4_096)
def to_date(day: int) -> Date:
    """Shared, never changed: setting a field copies it."""
    value = day_of(day)
    return Date(year=value.year, month=value.month, day=value.day)


@lru_cache(4_096)
def to_timestamp(instant: datetime | None) -> Timestamp | None:
    """Shared, as ``to_date``: a household's rows carry the same few instants."""
    return None if instant is None else timestamp_to_wire(instant)


def child_ids(texts: Iterable[str]) -> list[str]:
    """In canonical spelling, or ``INVALID/INVALID_ID``."""
    return [_canonical(text, "child_ids") for text in texts]


def activity_ids(texts: Iterable[str]) -> list[str]:
    return [_canonical(text, "activity_ids") for text in texts]


@lru_cache(16_384)
def _canonical(text: str, field: str) -> str:
    # The same few activities all day long: parsing a UUID costs more than looking it up.
    return str(parse_uuid(text, field))


def reservation_ids(texts: Sequence[str]) -> list[int]:
    return [parse_int_id(text, "ids") for text in texts]


_E = TypeVar("_E", Action, Periodicity, Kind, Counting)


def member(kind: type[_E], number: int) -> _E | None:
    """The enum's member, ``None`` for a number nobody here knows."""
    try:
        return kind(number)
    except ValueError:
        return None


def activity_draft(message: pb.Activity, site_name: str) -> ActivityDraft:
    kind = member(Kind, message.kind)
    if kind is None:
        raise InvalidError("INVALID_KIND", "kind")
    return ActivityDraft(
        code=message.code,
        name=message.name.strip(),
        kind=kind,
        weekdays=frozenset(message.weekdays),
        position=message.position,
        site_name=site_name.strip(),
        requires=tuple(message.requires),
        brings=tuple(message.brings),
        excludes=tuple(message.excludes),
        booking_cutoff=_cutoff(message.booking_cutoff) if message.HasField("booking_cutoff") else None,
        cancellation_cutoff=_cutoff(message.cancellation_cutoff) if message.HasField("cancellation_cutoff") else None,
        is_open_in_holidays=message.is_open_in_holidays,
    )


def _cutoff(message: pb.Cutoff) -> Cutoff:
    counting = member(Counting, message.counting)
    if counting is None:
        raise InvalidError("INVALID_CUTOFF", "counting")
    return Cutoff(message.days_before, message.hour, message.minute, counting)


def to_activity(activity: Activity, ids: Mapping[int, str]) -> pb.Activity:
    """``ids``: the town's activities' ids by key."""
    return pb.Activity(
        id=activity.id,
        code=activity.code,
        name=activity.name,
        kind=pb.ActivityKind.ValueType(activity.kind),
        weekdays=sorted(activity.weekdays),
        position=activity.position,
        requires=[ids[key] for key in activity.requires if key in ids],
        brings=[ids[key] for key in activity.brings if key in ids],
        excludes=[ids[key] for key in activity.excludes if key in ids],
        booking_cutoff=_to_cutoff(activity.booking_cutoff),
        cancellation_cutoff=_to_cutoff(activity.cancellation_cutoff),
        site_id=activity.site_id,
        is_open_in_holidays=activity.is_open_in_holidays,
    )


def _to_cutoff(cutoff: Cutoff | None) -> pb.Cutoff | None:
    if cutoff is None:
        return None
    message = pb.Cutoff(days_before=cutoff.days_before, hour=cutoff.hour, minute=cutoff.minute)
    message.counting = pb.CutoffCounting.ValueType(cutoff.counting)
    return message


def to_refusal(refusal: Refusal) -> pb.Refusal:
    return pb.Refusal(
        reason=refusal.reason.value,
        cutoff_at=to_timestamp(refusal.cutoff_at),
        label=refusal.label,
        related_activity_id=refusal.related_activity_id,
    )


def to_reservation(rules: TownRules, children: Mapping[int, str], view: RowView) -> pb.Reservation:
    row = view.row
    activity = rules.by_key.get(activity_in(row.session_key))
    return pb.Reservation(
        id=str(row.id),
        child_id=children.get(row.child_key, ""),
        activity_id=activity.id if activity else "",
        day=to_date(day_in(row.session_key)),
        status=pb.ReservationStatus.ValueType(row.status),
        hold_expires_at=to_timestamp(row.hold_expires_at),
        created_at=to_timestamp(row.created_at),
        cancellation_cutoff_at=to_timestamp(view.cancellation_limit),
        can_cancel=view.can_cancel,
        can_cancel_alone=view.can_cancel_alone,
    )


def to_child_day(rules: TownRules, children: Mapping[int, str], day: ChildDay) -> pb.ChildDay:
    return pb.ChildDay(
        day=to_date(day.day),
        child_id=children[day.child_key],
        state=pb.DayState.ValueType(day.state),
        reservations=[to_reservation(rules, children, view) for view in day.rows],
        closure_label=day.closure_label,
    )


def to_offer(rules: TownRules, children: Mapping[int, str], offer: ActivityOffer) -> pb.ActivityOffer:
    left = offer.places_left
    return pb.ActivityOffer(
        activity_id=offer.activity.id,
        is_bookable=offer.refusal is None,
        refusal=None if offer.refusal is None else to_refusal(offer.refusal),
        places_left=None if left is None else max(left, 0),
        booking_cutoff_at=to_timestamp(offer.booking_limit),
        cancellation_cutoff_at=to_timestamp(offer.cancellation_limit),
        reservation=None if offer.row is None else to_reservation(rules, children, offer.row),
    )
